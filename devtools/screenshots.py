"""`make screenshots`: pictures of the pages of a running demo, into docs/screenshots/.

Environment: PORT and DEMO_PASSWORD as the demo was started with. What the pictures need and the demo does not have is
asked for once, over the API, by the demo's people; one read is started and stopped anew each time, to be seen running.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from devtools.demo import DEFAULT_PASSWORD, ROOT
from devtools.postgres import HOST

FOLDER = ROOT / "docs" / "screenshots"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 30
WIDE, PHONE = (1440, 900), (390, 844)
LIGHT: tuple[tuple[str, tuple[int, int]], ...] = (("light", WIDE),)
WITH_DARK = (*LIGHT, ("dark", WIDE))
EVERYWHERE = (*WITH_DARK, ("light", PHONE))

Json: TypeAlias = dict[str, Any]
Act: TypeAlias = Callable[[Page], object]

FLIGHTS: Json = {"pod": "operations", "target": "flights", "language": "sql", "access": "read"}
JANUARY = "The punctuality report for January"
UNITED = "United's clock at Newark"
SPEED = "The registry has the cruising speed"
BUSIEST = "Which planes fly most"
EUROPE = "Reference data for the European edition"
CANCELLED = "How many flights does each carrier fly"
SPEEDS = FLIGHTS | {
    "reason": "The cruising speeds of our A320, before they are corrected.",
    "statement": "SELECT tailnum, model, seats, speed FROM planes WHERE tailnum LIKE 'N10%UW' ORDER BY tailnum\n",
}
SPEEDS_AGAIN = SPEEDS | {"reason": "The same after the correction."}
CORRECTED = FLIGHTS | {
    "reason": "The registry has the cruising speed of more of them.",
    "access": "write",
    "statement": "UPDATE planes SET speed = 432 WHERE tailnum IN ('N103US', 'N104UW', 'N105UW', 'N107US', 'N108UW')\n",
}
OVERNIGHT = FLIGHTS | {
    "reason": "Flights that land after midnight, for the crew report.",
    "statement": "SELECT carrier, flight, arr_time\n  FROM flights\n WHERE arr_time < 300\n ORDER BY arr_time\n",
}
OVERNIGHT_AGAIN = OVERNIGHT | {
    "reason": "Flights that land after midnight, for the crew report, of one week.",
    "statement": """\
SELECT carrier, flight, dest, arr_time
  FROM flights
 WHERE arr_time < 300
   AND time_hour >= '2013-07-01' AND time_hour < '2013-07-08'
 ORDER BY arr_time
""",
}
SLOW = FLIGHTS | {
    "reason": "A long read, to be stopped.",
    "statement": "SELECT carrier, count(*), pg_sleep(15) FROM flights GROUP BY carrier\n",
}
LATE = {
    "pod": "operations",
    "name": "Late flights to an airport",
    "description": "The flights to one airport that left later than so many minutes, worst first.",
    "language": "sql",
    "access": "read",
    "statement": """\
SELECT time_hour, carrier, flight, origin, dep_delay
  FROM flights
 WHERE dest = :airport AND dep_delay > :minutes
 ORDER BY dep_delay DESC
 LIMIT 50
""",
    "targets": ["flights"],
    "parameters": [
        {"name": "airport", "type": "text", "usual": "SEA"},
        {"name": "minutes", "type": "integer", "usual": 120},
    ],
}
# What stands in the editor while its list of columns is open; and what there is something to say about.
COMPLETED = "SELECT carrier, flight, origin\n  FROM flights\n WHERE dest = 'SEA'\n   AND arr_delay > dep_delay"
REMARKED = "UPDATE flights\n   SET arr_delay = 0\n WHERE carrier = 'UA' OR carrier = 'AA' AND origin = 'EWR'\n"


@dataclass(frozen=True, slots=True)
class Portal:
    """The running demo, as its people call its API."""

    url: str
    password: str = field(repr=False)
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    def call(self, who: str, path: str, body: Json | None = None) -> Json:
        """GET, or POST with a body. Ends with the portal's answer where it refuses."""
        request = urllib.request.Request(  # noqa: S310 - our own http:// address
            f"{self.url}/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"} | self._token(who),
        )
        try:
            with urllib.request.urlopen(request, timeout=2 * SECONDS) as answer:  # noqa: S310 - the same
                found: Json = json.load(answer)
        except urllib.error.HTTPError as error:
            sys.exit(f"{path} answered {error.code}: {error.read().decode()[:500]}")
        return found

    def _token(self, who: str) -> dict[str, str]:
        if not who:
            return {}
        if who not in self.tokens:
            self.tokens[who] = self.call("", "auth/token/", {"username": who, "password": self.password})["access"]
        return {"Authorization": f"Bearer {self.tokens[who]}"}

    def found(self, who: str, reason: str) -> Json | None:
        """The request whose reason begins so; one that was taken back was not meant."""
        results = self.call(who, "queries/?limit=200")["results"]
        return next((query for query in results if query["reason"].startswith(reason)), None)

    def sample(self, who: str, reason: str) -> str:
        """The id of one of the demo's own requests. Ends where it is not there."""
        query = self.found(who, reason)
        if query is None:
            sys.exit(f"There is no request that begins {reason!r}. Is this a demo?")
        return str(query["id"])

    def asked(self, body: Json, then: str = "", **facts: object) -> str:
        """The id of a request of `developer`, made and decided on by `manager` unless it is there."""
        query = self.found("developer", body["reason"])
        if query is None:
            query = self.call("developer", "queries/", body)
            if then:
                self.call("manager", f"queries/{query['id']}/{then}/", {"digest": query["digest"]} | facts)
        return str(query["id"])


# --- what the pictures show ------------------------------------------------------------------------


def stage(portal: Portal) -> dict[str, str]:
    """Have everything there that a picture shows; the ids by the name that its address has for them."""
    first = portal.asked(OVERNIGHT, "reject", comment="A whole year is too much. Which days?", ask_for_changes=True)
    before = portal.asked(SPEEDS, "approve")
    portal.asked(CORRECTED, "approve", comment="By tail number.")
    return {
        "january": portal.sample("developer", JANUARY),
        "before": before,
        "after": portal.asked(SPEEDS_AGAIN, "approve"),
        "united": portal.sample("developer", UNITED),
        "speed": portal.sample("developer", SPEED),
        "script": portal.sample("developer", BUSIEST),
        "failed": portal.sample("developer", CANCELLED),
        "europe": portal.sample("developer2", EUROPE),
        "revised": portal.asked(OVERNIGHT_AGAIN | {"revises": first}),
        "template": _template(portal),
    }


def _template(portal: Portal) -> str:
    """The id of a template that was used once, and is approved in advance."""
    there = {row["name"]: row for row in portal.call("developer", "templates/")["results"]}
    if (found := there.get(LATE["name"])) is not None:
        return str(found["id"])
    made = portal.call("developer", "templates/", LATE)
    digest, until = made["digest"], datetime.now(UTC).date() + timedelta(days=30)
    granted = {"until": str(until), "runs_a_day": 20, "runs_a_person": 5, "people": None}
    said = {"comment": "Reads the index of the destinations, at most 50 rows."}
    portal.call("manager", f"templates/{made['id']}/grant/", {"digest": digest, "target": "flights"} | granted | said)
    use = {"digest": digest, "target": "flights", "values": {"airport": "SEA", "minutes": 300}}
    reason = "A customer disputes a delay to Seattle of more than five hours."
    portal.call("developer", f"templates/{made['id']}/ask/", use | {"reason": reason})
    return str(made["id"])


@contextmanager
def running(portal: Portal) -> Iterator[str]:
    """The id of a read that runs meanwhile, and is stopped afterwards."""
    query = portal.call("developer", "queries/", SLOW)
    path = f"queries/{query['id']}"
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(portal.call, "manager", f"{path}/approve/", {"digest": query["digest"]})
        deadline = time.monotonic() + SECONDS
        while portal.call("developer", f"{path}/")["status"] == "PENDING" and time.monotonic() < deadline:
            time.sleep(0.1)
        yield str(query["id"])
        if not run.done():
            portal.call("developer", f"{path}/cancel/", {})


# --- the pictures ----------------------------------------------------------------------------------


def _write(text: str) -> Act:
    """Put a text into the editor, and wait until the target was asked about it."""

    def act(page: Page) -> None:
        page.locator("[data-schema-state]", has_text="table").wait_for()
        page.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(text)
        page.wait_for_timeout(2500)

    return act


def _complete(page: Page) -> None:
    """The same, with the list of columns open in the midst of a name."""
    _write(COMPLETED)(page)
    for _ in "delay":
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+Space")
    page.locator(".cm-tooltip-autocomplete li").first.wait_for()
    page.wait_for_timeout(500)


def _leave(page: Page) -> None:
    """Close the window; the portal is not to keep a draft of what was only typed for a picture."""
    discard = page.locator("[data-discard]")
    if discard.count() and discard.is_visible():
        discard.click()
        page.wait_for_url("**/queries/new/?blank=1**")
    page.context.close()


def _remark(page: Page) -> None:
    """A write that there is something to say about."""
    page.locator("#id_access").get_by_text("Write", exact=True).click()
    _write(REMARKED)(page)


@dataclass(frozen=True, slots=True)
class Picture:
    """One page: who looks, and where; what is done there first; in which colours and sizes."""

    name: str
    who: str
    path: str
    act: Act | None = None
    looks: tuple[tuple[str, tuple[int, int]], ...] = LIGHT


PICTURES = (
    Picture("sign-in", "", "/accounts/login/"),
    Picture("home", "manager", "/", looks=WITH_DARK),
    Picture("requests", "developer", "/queries/"),
    Picture("new", "developer", "/queries/new/", _complete, EVERYWHERE),
    Picture("new-findings", "developer", "/queries/new/", _remark),
    Picture("queue", "manager", "/review/", looks=EVERYWHERE),
    Picture("decide", "manager", "/queries/{united}/", looks=EVERYWHERE),
    Picture("revision", "manager", "/queries/{revised}/"),
    Picture("ended", "developer", "/queries/{speed}/"),
    Picture("failed", "developer", "/queries/{failed}/"),
    Picture("result", "developer", "/queries/{january}/result/", looks=EVERYWHERE),
    Picture("result-record", "developer", "/queries/{january}/result/?view=record"),
    Picture("result-compared", "developer", "/queries/{after}/result/difference/?with={before}&key=1"),
    Picture("result-documents", "developer2", "/queries/{europe}/result/"),
    Picture("result-script", "developer", "/queries/{script}/"),
    Picture("templates", "developer", "/templates/"),
    Picture("template", "manager", "/templates/{template}/"),
    Picture("pod", "developer", "/pods/operations/"),
    Picture("target", "developer", "/pods/operations/flights/"),
    Picture("notices", "developer", "/notices/"),
    Picture("audit", "auditor", "/audit/", looks=WITH_DARK),
    Picture("profile", "manager", "/accounts/profile/"),
    Picture("out-of-office", "manager", "/accounts/absence/"),
    Picture("api", "developer", "/api/docs/"),
    Picture("admin-target", "admin", "/admin/pods/target/"),
)
RUNNING = Picture("running", "manager", "/queries/{running}/")


@dataclass(slots=True)
class Studio:
    """A browser before the demo, with everybody's session."""

    browser: Browser
    portal: Portal
    sessions: dict[str, StorageState] = field(default_factory=dict)

    def take(self, picture: Picture, ids: dict[str, str]) -> None:
        """Every look of a page, each as a file."""
        for scheme, size in picture.looks:
            page = self._window(picture.who, scheme, size).new_page()
            page.goto(self.portal.url + picture.path.format_map(ids))
            if picture.act is not None:
                picture.act(page)
            page.screenshot(path=_file(picture.name, scheme, size), animations="disabled")
            _leave(page)

    def _window(self, who: str, scheme: str, size: tuple[int, int]) -> BrowserContext:
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="en-GB",
            storage_state=self._session(who) if who else None,
        )
        context.set_default_timeout(1000 * SECONDS)
        return context

    def _session(self, who: str) -> StorageState:
        """Sign in once, by the form."""
        if who not in self.sessions:
            context = self.browser.new_context()
            page = context.new_page()
            page.goto(f"{self.portal.url}/accounts/login/")
            page.get_by_label("User name").fill(who)
            page.get_by_label("Password").fill(self.portal.password)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name="Sign out").or_(page.locator("main h1")).first.wait_for()
            self.sessions[who] = context.storage_state()
            context.close()
        return self.sessions[who]


def _file(name: str, scheme: str, size: tuple[int, int]) -> Path:
    parts = (name, "dark" if scheme == "dark" else "", "phone" if size == PHONE else "")
    return FOLDER / f"{'-'.join(filter(None, parts))}.png"


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium of the machine. Its own sandbox cannot nest in a root container."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), "")
    if not path:
        sys.exit("No Chromium: install the package `chromium`.")
    options = ["--disable-background-networking", "--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=options)


def main() -> None:
    """Take all pictures, or those whose names are given."""
    names = set(sys.argv[1:])
    portal = Portal(
        f"http://{HOST}:{os.environ.get('PORT') or 8000}", os.environ.get("DEMO_PASSWORD") or DEFAULT_PASSWORD
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    ids = stage(portal)
    with browser() as window:
        studio = Studio(window, portal)
        for picture in PICTURES:
            if not names or picture.name in names:
                studio.take(picture, ids)
        if not names or RUNNING.name in names:
            with running(portal) as query:
                studio.take(RUNNING, {"running": query})
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

"""States that pass, or that somebody opens, in axe-core: each in both schemes, on a desk, a tablet and a phone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client, RequestFactory

from accounts.models import User
from portal.errors import answer_for, respond
from queries import services
from queries.models import QueryRequest
from queries.tests.browser.conftest import PATIENCE_MS
from queries.tests.browser.test_accessibility import AXE, DESK, PHONE, RUN
from queries.tests.running.conftest import wait_for
from queries.tests.world import TargetDatabase, World
from web.errors import NotNow, PortalError, TooManyRequests, Unavailable

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TABLET = (768, 1024)
# Colours are the scheme's, whatever the size; what a size moves is the same in both.
LOOKS = (("light", DESK), ("dark", TABLET), ("light", PHONE), ("dark", PHONE))
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A window without motion: a colour on its way to another is neither."""
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def kept(committed: World, target_database: TargetDatabase) -> Iterator[TargetDatabase]:
    """A table with words of its own on it and on a column, which the login that writes may maintain."""
    writer = f"{target_database.name}_rw"
    with target_database.connect() as root:
        root.execute(
            f"CREATE TABLE kept (id int PRIMARY KEY, tag text); ALTER TABLE kept OWNER TO {writer};"
            f" GRANT CREATE ON SCHEMA public TO {writer}; GRANT SELECT ON kept TO PUBLIC;"
            " COMMENT ON TABLE kept IS 'What is kept, and why.'; COMMENT ON COLUMN kept.tag IS 'Set by hand.'"
        )
        yield target_database
        root.execute(f"DROP TABLE kept; REVOKE CREATE ON SCHEMA public FROM {writer}")


def visit(page: Page, portal: str, user: User, path: str) -> None:
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    page.context.clear_cookies()
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": portal}])
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    page.goto(portal + path)


def violations(page: Page) -> dict[str, list[str]]:
    """What is wrong with what is open now, by the look that shows it."""
    page.evaluate(AXE)
    found = {}
    for scheme, (width, height) in LOOKS:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": height})
        faults = [str(fault) for fault in page.evaluate(RUN)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append("the page scrolls sideways")
        if faults:
            found[f"{scheme} {width}"] = faults
    return found


@contextmanager
def running(world: World, target: TargetDatabase) -> Iterator[QueryRequest]:
    """A read that runs until it is looked at, and is stopped then."""
    world.change_target(seconds_limit=600)
    query = world.submitted("SELECT pg_sleep(590)", reason="Runs for long")

    def approve() -> None:
        try:
            world.approved(query)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(approve)
        try:
            wait_for(lambda: target.running(query.public_id) > 0)
            yield query
        finally:
            services.cancel(actor=world.author, query_id=query.pk)
        going.result(timeout=30)
    world.change_target(seconds_limit=10)


def test_a_run(page: Page, portal: str, committed: World, target_database: TargetDatabase) -> None:
    with running(committed, target_database) as query:
        visit(page, portal, committed.reviewer, f"/queries/{query.public_id}/")
        page.get_by_role("button", name="Stop it").wait_for()
        assert violations(page) == {}
        visit(page, portal, committed.author, "/queries/")
        page.locator(".pill", has_text="Running").wait_for()
        assert violations(page) == {}


def test_maintenance_under_way(page: Page, portal: str, committed: World, kept: TargetDatabase) -> None:
    committed.change_target(allow_maintenance=True, seconds_limit=1)
    query = committed.submitted("CREATE INDEX CONCURRENTLY by_tag ON kept (tag)", access="maintenance")
    # What is built concurrently waits for the end of every transaction that wrote to the table.
    with psycopg.connect(kept.admin_url) as other:
        other.execute("LOCK TABLE kept IN ROW EXCLUSIVE MODE")
        committed.approved(query)
        visit(page, portal, committed.reviewer, f"/queries/{query.public_id}/")
        page.get_by_text("waiting for writers before build").wait_for()
        assert violations(page) == {}
    wait_for(lambda: QueryRequest.objects.get(pk=query.pk).status == "EXECUTED")
    visit(page, portal, committed.author, f"/queries/{query.public_id}/")
    assert violations(page) == {}
    committed.change_target(allow_maintenance=False, seconds_limit=10)


def test_the_list_of_what_can_be_completed(page: Page, portal: str, committed: World) -> None:
    visit(page, portal, committed.author, "/queries/new/?blank=1")
    page.locator("[data-schema-state]", has_text="table").wait_for()
    page.locator(".cm-content").click()
    page.keyboard.insert_text("SELECT ")
    page.keyboard.press("Control+Space")
    listed = page.get_by_role("listbox", name="Completions")
    listed.get_by_role("option").first.wait_for()
    assert violations(page) == {}
    # What a screen reader follows: the text names the list, and the option that Enter takes.
    text = page.locator(".cm-content")
    assert text.get_attribute("aria-controls") == listed.get_attribute("id")
    chosen = listed.locator("[aria-selected=true]")
    assert text.get_attribute("aria-activedescendant") == chosen.get_attribute("id")


def test_the_panel_of_a_value(page: Page, portal: str, committed: World) -> None:
    query = committed.executed("SELECT 1 AS n, '{\"a\": [1.50, null]}'::jsonb AS document")
    visit(page, portal, committed.author, f"/queries/{query.public_id}/result/")
    page.locator("[data-grid] tbody td").nth(1).focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Value").wait_for()
    assert violations(page) == {}


def test_a_table_with_comments(page: Page, portal: str, committed: World, kept: TargetDatabase) -> None:
    visit(page, portal, committed.author, f"/pods/{committed.pod.slug}/{committed.target.slug}/?q=kept")
    page.get_by_text("What is kept, and why.").first.wait_for()
    assert violations(page) == {}


@pytest.mark.parametrize(
    "error",
    [
        NotNow("Somebody else decided meanwhile.", state="REJECTED"),
        TooManyRequests("Too many requests in a minute.", retry_after=42),
        Unavailable("All places of Orders are taken."),
        OperationalError("away"),
    ],
    ids=["409", "429", "503", "503-database"],
)
def test_the_page_of_an_error(page: Page, portal: str, committed: World, error: PortalError | OperationalError) -> None:
    request = RequestFactory().get("/queries/")
    request.user = committed.author
    answer = answer_for(error)
    assert answer is not None
    drawn = respond(request, answer)
    address = f"{portal}/drawn/"
    page.route(address, lambda route: route.fulfill(body=drawn.content, content_type="text/html", status=200))
    visit(page, portal, committed.author, "/drawn/")
    page.get_by_role("heading", level=1).wait_for()
    assert violations(page) == {}
    page.unroute(address)

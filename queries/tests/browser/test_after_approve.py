"""The page after Approve: it shows the run at once, tells how it ends also in a hidden tab, and loses nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from queries.models import Decision, QueryRequest
from queries.running import places
from queries.tests.browser.conftest import PATIENCE_MS
from queries.tests.running.conftest import wait_for
from queries.tests.world import TargetDatabase, World

pytestmark = pytest.mark.browser
HIDDEN = "Object.defineProperty(document, 'hidden', {get: () => true})"
# A reload would lose it.
STAYS = "window.stays = true"


@contextmanager
def opened(browser: Browser, portal: str, user: User, query: QueryRequest, **options: object) -> Iterator[Page]:
    """The page of a request as somebody has it open; no error of its scripts or its policy may have come up."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    context = browser.new_context(**options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": portal}])
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    page.goto(f"{portal}/queries/{query.public_id}/")
    if options.get("java_script_enabled", True):
        page.evaluate(STAYS)
    yield page
    assert faults == []
    context.close()


@contextmanager
def taken(world: World, target: TargetDatabase, seconds: float) -> Iterator[None]:
    """The only place of the target is taken for so long."""
    world.change_target(places=1)
    holder = world.submitted(f"SELECT pg_sleep({seconds})")

    def approve() -> None:
        try:
            world.approved(holder, by=world.second_reviewer)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(approve)
        wait_for(lambda: target.running(holder.public_id) > 0)
        yield
        going.result(timeout=30)
    world.change_target(places=8)


def approve_on(page: Page) -> None:
    page.get_by_role("button", name="Approve and run").click(no_wait_after=True)


def icon_of(page: Page) -> str:
    return page.locator("link[rel=icon]").get_attribute("href") or ""


def test_who_approves_watches_the_run_and_stops_it(portal: str, committed: World, browser: Browser) -> None:
    committed.change_target(seconds_limit=60)
    query = committed.submitted("SELECT pg_sleep(55)", reason="Runs for long")
    with (
        opened(browser, portal, committed.author, query) as author,
        opened(browser, portal, committed.reviewer, query) as reviewer,
    ):
        author.evaluate(HIDDEN)
        approve_on(reviewer)
        reviewer.get_by_text("of at most 60 s").wait_for()
        expect(author).to_have_title(re.compile("^Running: "))
        assert "running" in icon_of(author)
        reviewer.get_by_role("button", name="Stop it").click()
        for page in (reviewer, author):
            expect(page).to_have_title(re.compile("^Failed: stopped: "))
            page.get_by_text("It was stopped. Nothing was changed.").wait_for()
            assert "failed" in icon_of(page)
            assert page.evaluate("window.stays")
        reviewer.get_by_text("and it failed. The reason is below.").wait_for()
    committed.change_target(seconds_limit=10)


def test_title_and_icon_tell_the_end_in_a_hidden_tab(portal: str, committed: World, browser: Browser) -> None:
    query = committed.submitted("SELECT pg_sleep(2), 42 AS answer", reason="Ends while nobody looks")
    with opened(browser, portal, committed.reviewer, query) as page:
        page.evaluate(HIDDEN)
        approve_on(page)
        expect(page).to_have_title(re.compile("^Running: "))
        expect(page.locator("[data-state]")).to_contain_text("Running")
        expect(page).to_have_title(re.compile("^Finished: "))
        assert "done" in icon_of(page)
        page.get_by_role("cell", name="42", exact=True).wait_for()
        assert page.evaluate("window.stays")
        expect(page).to_have_title(re.compile("^Finished: "))


def test_typed_comment_of_another_reviewer_stays(portal: str, committed: World, browser: Browser) -> None:
    query = committed.submitted("SELECT 1 AS one", reason="Two look at it")
    with opened(browser, portal, committed.reviewer, query) as page:
        page.get_by_label("Comment").fill("half a thought")
        committed.approved(query, by=committed.second_reviewer)
        expect(page).to_have_title(re.compile("^Finished: "))
        page.get_by_text("This request has changed since you opened it.").wait_for()
        assert page.get_by_label("Comment").input_value() == "half a thought"
        approve_on(page)
        page.get_by_text("is already finished").wait_for()
        assert "half a thought" in page.inner_text("main")


def test_full_places_are_told_and_nothing_is_lost(
    portal: str, committed: World, browser: Browser, target_database: TargetDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "WAIT_SECONDS", 3.0)
    query = committed.submitted("SELECT 1 AS one", reason="Comes when all is taken")
    with opened(browser, portal, committed.reviewer, query) as page:
        page.get_by_label("Comment").fill("go ahead")
        with taken(committed, target_database, 9):
            approve_on(page)
            page.get_by_text("Waiting for a free place").wait_for()
            page.get_by_text("none became free").wait_for()
            assert not Decision.objects.filter(query=query).exists()
            assert page.get_by_label("Comment").input_value() == "go ahead"
        approve_on(page)
        page.get_by_text("ran and finished").wait_for()


def test_lost_answer_is_told_and_can_be_sent_again(portal: str, committed: World, browser: Browser) -> None:
    query = committed.submitted("SELECT 1 AS one", reason="The net fails")
    with opened(browser, portal, committed.reviewer, query) as page:
        page.get_by_label("Comment").fill("go ahead")
        page.route("**/approve/", lambda route: route.fulfill(status=504, body="<p>Gateway timeout</p>"))
        approve_on(page)
        page.get_by_text("nothing was decided").wait_for()
        page.unroute("**/approve/")
        assert page.get_by_label("Comment").input_value() == "go ahead"
        approve_on(page)
        page.get_by_text("ran and finished").wait_for()


def test_without_scripts_it_answers_when_it_is_done(portal: str, committed: World, browser: Browser) -> None:
    query = committed.submitted("SELECT pg_sleep(1), 42 AS answer", reason="No scripts")
    with opened(browser, portal, committed.reviewer, query, java_script_enabled=False) as page:
        page.get_by_role("button", name="Approve and run").click()
        page.get_by_text("ran and finished").wait_for()
        expect(page).to_have_title(re.compile("^Finished: "))
        page.get_by_role("cell", name="42", exact=True).wait_for()

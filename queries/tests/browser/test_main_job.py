"""The main job in a real browser, on a real database: ask, approve, read the rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest
from playwright.sync_api import expect

from accounts.models import User
from queries.tests.browser.conftest import PATIENCE_MS
from queries.tests.world import TargetDatabase, World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PASSWORD = "correct horse battery"
REQUEST_PAGE = re.compile(r"/queries/[0-9a-f-]{36}/$")
pytestmark = pytest.mark.browser


@pytest.fixture
def everybody(committed: World) -> World:
    """Everybody, able to sign in with a password."""
    for person in (committed.author, committed.reviewer):
        person.set_password(PASSWORD)
        person.save()
    return committed


@pytest.fixture
def pages(browser: Browser) -> Iterator[dict[str, Page]]:
    """A window of their own for two people, and whatever their consoles complained of."""
    contexts = [browser.new_context() for _ in range(2)]
    for context in contexts:
        context.set_default_timeout(PATIENCE_MS)
    yield {name: context.new_page() for name, context in zip(("author", "reviewer"), contexts, strict=True)}
    for context in contexts:
        context.close()


def sign_in(page: Page, portal: str, user: User) -> list[str]:
    """Sign in through the page; returns the list that errors of the page's scripts will be in."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    page.goto(f"{portal}/accounts/login/")
    page.get_by_label("User name").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{portal}/")
    return faults


def test_developer_asks_manager_approves_both_see_the_rows(
    portal: str, everybody: World, pages: dict[str, Page]
) -> None:
    author, reviewer = pages["author"], pages["reviewer"]
    faults = sign_in(author, portal, everybody.author)
    author.get_by_role("link", name="New request").first.click()
    author.locator(".cm-content").click()
    author.keyboard.type("SELEC id FROM items")
    author.get_by_text("Syntax error").first.wait_for()
    author.locator(".cm-content").press("Control+a")
    author.locator(".cm-content").press("Delete")
    author.keyboard.type("SELECT id, name FROM items ORDER BY id")
    author.get_by_text("Reads as valid").wait_for()
    author.get_by_label("Reason").fill("The list of items looks wrong")
    author.keyboard.press("Control+Enter")
    author.wait_for_url(REQUEST_PAGE)
    assert "You asked for this yourself" in author.inner_text("main")

    faults += sign_in(reviewer, portal, everybody.reviewer)
    reviewer.get_by_role("link", name="Review queue", exact=False).first.click()
    reviewer.wait_for_url(f"{portal}/review/")
    reviewer.goto(f"{portal}/review/?q=looks+wrong")
    reviewer.keyboard.press("j")
    reviewer.keyboard.press("Enter")
    reviewer.wait_for_url(REQUEST_PAGE)
    reviewer.keyboard.press("a")
    assert reviewer.evaluate("document.activeElement.textContent").strip().startswith("Approve and run")
    reviewer.get_by_role("button", name="Approve and run").click()
    reviewer.get_by_text("ran and finished").wait_for()

    author.reload()
    for page in (author, reviewer):
        page.locator(".datagrid").wait_for()
        rows = page.locator(".datagrid tbody tr").all_inner_texts()
        assert [row.split() for row in rows] == [["1", "1", "one"], ["2", "2", "empty"], ["3", "3", "NULL"]]
    assert faults == []


def test_draft_survives_closing_the_page(portal: str, everybody: World, pages: dict[str, Page]) -> None:
    page = pages["author"]
    sign_in(page, portal, everybody.author)
    page.goto(f"{portal}/queries/new/")
    page.locator(".cm-content").click()
    page.keyboard.type("SELECT 'unfinished'")
    page.get_by_text("Draft saved").wait_for()
    page.goto(f"{portal}/")
    page.goto(f"{portal}/queries/new/")
    assert "SELECT 'unfinished'" in page.locator(".cm-content").inner_text()


def test_request_is_made_and_decided_without_javascript(portal: str, everybody: World, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, portal, everybody.author)
    page.goto(f"{portal}/queries/new/")
    page.get_by_role("textbox", name="Statement").fill("SELECT 42 AS answer")
    page.get_by_label("Reason").fill("Without scripts")
    page.get_by_role("button", name="Ask for approval").click()
    page.wait_for_url(REQUEST_PAGE)
    address = page.url
    context.clear_cookies()
    sign_in(page, portal, everybody.reviewer)
    page.goto(address)
    page.get_by_role("button", name="Approve and run").click()
    assert page.locator(".datagrid tbody td").all_inner_texts() == ["1", "42"]
    context.close()


def test_running_request_is_watched_and_stopped_from_its_page(
    portal: str, everybody: World, pages: dict[str, Page]
) -> None:
    everybody.change_target(seconds_limit=60)
    query = everybody.submitted("SELECT pg_sleep(55)", reason="Runs for long")
    author, reviewer = pages["author"], pages["reviewer"]
    address = f"{portal}/queries/{query.public_id}/"
    for page, user in ((author, everybody.author), (reviewer, everybody.reviewer)):
        sign_in(page, portal, user)
        page.goto(address)
    reviewer.get_by_role("button", name="Approve and run").click(no_wait_after=True)
    author.wait_for_timeout(500)
    author.goto(address)
    author.get_by_text("of at most 60 s").wait_for()
    author.get_by_role("button", name="Stop it").click()
    author.get_by_text("Failed: stopped", exact=True).wait_for()
    reviewer.get_by_text("It was stopped. Nothing was changed.").wait_for()
    everybody.change_target(seconds_limit=10)


def test_blocked_run_tells_who_holds_it_and_keeps_the_focus(
    portal: str, everybody: World, pages: dict[str, Page], target_database: TargetDatabase
) -> None:
    query = everybody.submitted("SELECT id FROM items", reason="Waits for a lock")
    author, reviewer = pages["author"], pages["reviewer"]
    faults: list[str] = []
    for page, user in ((author, everybody.author), (reviewer, everybody.reviewer)):
        faults += sign_in(page, portal, user)
        page.goto(f"{portal}/queries/{query.public_id}/")
    with psycopg.connect(target_database.admin_url, application_name="nightly-export") as holder:
        holder.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        reviewer.get_by_role("button", name="Approve and run").click(no_wait_after=True)
        author.wait_for_timeout(300)
        author.reload()
        author.get_by_role("button", name="Stop it").focus()
        author.get_by_role("cell", name="nightly-export").wait_for()
        author.locator("[data-activity]").evaluate("element => element.dataset.old = 'yes'")
        author.locator("[data-old]").wait_for(state="detached")
        assert author.evaluate("document.activeElement.textContent").strip() == "Stop it"
        author.keyboard.press("Enter")
        author.get_by_text("Failed: stopped", exact=True).wait_for()
        holder.rollback()
    assert faults == []


def test_write_in_production_is_confirmed_first(portal: str, everybody: World, pages: dict[str, Page]) -> None:
    query = everybody.insert("confirmed")
    page = pages["reviewer"]
    sign_in(page, portal, everybody.reviewer)
    page.goto(f"{portal}/queries/{query.public_id}/")
    page.get_by_role("button", name="Approve and run").click()
    dialog = page.get_by_role("dialog")
    assert "INSERT" in dialog.inner_text()
    dialog.get_by_role("button", name="Approve and run").click()
    dialog.get_by_text("That is not the name.").wait_for()
    dialog.get_by_label("Type effects to run it").fill("effects")
    query.refresh_from_db()
    assert query.status == "PENDING"
    dialog.get_by_role("button", name="Approve and run").click()
    page.get_by_text("1 row changed", exact=True).wait_for()


def test_open_pages_hear_of_news(portal: str, everybody: World, pages: dict[str, Page]) -> None:
    author, reviewer = pages["author"], pages["reviewer"]
    for page, user in ((author, everybody.author), (reviewer, everybody.reviewer)):
        sign_in(page, portal, user)
        page.clock.install()
    query = everybody.submitted(reason="Watched while it waits")
    author.goto(f"{portal}/queries/{query.public_id}/")
    reviewer.goto(f"{portal}/review/")
    everybody.submitted(reason="Came later")
    reviewer.clock.fast_forward(16_000)
    reviewer.get_by_text("1 new since you opened this page.").wait_for()
    assert "Came later" not in reviewer.inner_text("main")
    reviewer.get_by_role("link", name="Show it").click()
    reviewer.get_by_text("Came later").wait_for()
    everybody.approved(query)
    author.clock.fast_forward(16_000)
    author.get_by_text("Finished").first.wait_for()


# What the browser was asked to show, beside showing it.
SHOWN = """
globalThis.Notification = class extends Notification {
  constructor(title, options) {
    super(title, options);
    document.documentElement.dataset.shown = `${title}: ${options.body}`;
  }
};
"""


def test_the_browser_shows_what_is_new_once_it_was_let(portal: str, everybody: World, pages: dict[str, Page]) -> None:
    page = pages["reviewer"]
    sign_in(page, portal, everybody.reviewer)
    page.context.add_init_script(SHOWN)
    page.goto(f"{portal}/accounts/profile/")
    switch = page.get_by_role("checkbox", name="While a page of the portal is open")
    assert not switch.is_checked()
    switch.click()
    page.get_by_text("This browser does not let the portal show any.").wait_for()
    assert not switch.is_checked()
    page.context.grant_permissions(["notifications"])
    page.reload()
    with page.expect_response("**/notices/news/"):
        switch.click()
    expect(switch).to_be_checked()
    query = everybody.submitted("SELECT 'nobody else reads this'", reason="Nor this")
    line = f"{everybody.author.label}, {everybody.target.name}"
    shown = f"{query.number} waits for your decision: {line}"
    expect(page.locator("html")).to_have_attribute("data-shown", shown)
    switch.click()
    page.reload()
    expect(switch).not_to_be_checked()
    page.context.clear_permissions()

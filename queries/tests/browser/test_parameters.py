"""The rows of parameters as somebody types: they come with the names in the statement, and a draft keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client

from queries.models import KeptDraft, QueryRequest
from queries.tests.browser.conftest import PATIENCE_MS
from queries.tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def page(portal: str, committed: World, browser: Browser) -> Iterator[Page]:
    """The author's window; what its policy refused or its scripts raised fails the test."""
    client = Client()
    client.force_login(committed.author)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": portal}])
    KeptDraft.objects.all().delete()  # those of the tests before
    window, faults = context.new_page(), list[str]()
    window.on("pageerror", lambda error: faults.append(str(error)))
    window.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    yield window
    context.close()
    assert faults == []


def test_rows_follow_the_statement_and_are_bound(portal: str, page: Page) -> None:
    page.goto(f"{portal}/queries/new/")
    page.locator(".cm-content").click()
    page.keyboard.type("SELECT name FROM items WHERE id >= :low AND id = ANY (:ids) ORDER BY id")
    low, ids = page.get_by_role("group", name="Parameter low"), page.get_by_role("group", name="Parameter ids")
    ids.wait_for()
    assert page.locator("[data-rows] [data-parameter]").count() == 2
    low.get_by_label("Type").select_option("integer")
    low.get_by_role("textbox", name="Value").fill("2")
    ids.get_by_label("Type").select_option("list of integer")
    ids.get_by_role("textbox", name="Value").fill("1\n2\n3")
    page.get_by_text("The target knows its tables and columns").wait_for()
    low.get_by_role("textbox", name="Value").fill("two")
    page.get_by_text("Write a whole number in digits").wait_for()
    with page.expect_response(lambda answer: answer.url.endswith("/draft/") and answer.ok):
        low.get_by_role("textbox", name="Value").fill("2")
    page.reload()
    assert low.get_by_role("textbox", name="Value").input_value() == "2"
    assert ids.get_by_role("textbox", name="Value").input_value() == "1\n2\n3"
    page.get_by_label("Reason").fill("With parameters")
    page.get_by_role("button", name="Ask for approval").click()
    page.get_by_text("list of integer, 3 values").wait_for()
    assert QueryRequest.objects.get(reason="With parameters").parameters == [
        {"name": "low", "type": "integer", "value": "2"},
        {"name": "ids", "type": "list", "of": "integer", "value": ["1", "2", "3"]},
    ]


def test_values_without_names_are_checked_with_the_statement(portal: str, page: Page) -> None:
    page.goto(f"{portal}/queries/new/")
    page.locator(".cm-content").click()
    page.keyboard.type("SELECT name FROM items WHERE id = $1 AND name = $2")
    page.get_by_text("The statement uses 2 parameter(s), 0 given.").wait_for()
    page.locator("[data-parameters] > summary").click()
    with page.expect_request(lambda sent: sent.url.endswith("/check/") and "five" in (sent.post_data or "")) as checked:
        page.locator("#id_parameters").fill('5\n\n  "five" \n')
    page.get_by_text("The target knows its tables and columns").wait_for()
    assert json.loads(checked.value.post_data or "")["parameters"] == [5, "five"]
    with page.expect_request(lambda sent: sent.url.endswith("/check/") and "1.50" in (sent.post_data or "")) as checked:
        page.locator("#id_parameters").fill("[1]\n1.50\nO'Hara\nnull\n9007199254740993")
    assert json.loads(checked.value.post_data or "")["parameters"] == [
        "[1]",
        "1.50",
        "O'Hara",
        None,
        "9007199254740993",
    ]
    page.get_by_text("The statement uses 2 parameter(s), 5 given.").wait_for()


def test_row_of_a_name_that_was_changed_goes_unless_something_is_in_it(portal: str, page: Page) -> None:
    page.goto(f"{portal}/queries/new/")
    page.locator(".cm-content").click()
    page.keyboard.type("SELECT :lo")
    page.get_by_role("group", name="Parameter lo").wait_for()
    page.keyboard.type("w")
    page.get_by_role("group", name="Parameter low").wait_for()
    assert page.locator("[data-rows] [data-parameter]").count() == 1
    page.get_by_role("button", name="Remove this parameter").click()
    assert page.evaluate("document.activeElement.textContent").strip() == "Add a parameter"

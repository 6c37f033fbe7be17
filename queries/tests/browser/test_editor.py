"""The editor of a new request, on real targets: what it completes, what it puts in, how one leaves it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from pods.models import Target
from queries import services
from queries.models import KeptDraft
from queries.tests.browser.conftest import PATIENCE_MS
from queries.tests.browser.test_accessibility import AXE, RUN
from queries.tests.world import MONGO_READ_VARIABLE, MONGO_WRITE_VARIABLE, TargetDatabase, World, empty

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route
    from pymongo.database import Database

pytestmark = pytest.mark.browser
TABLES = """
CREATE TABLE carriers (id int PRIMARY KEY, carrier text);
CREATE TABLE flights (id bigint PRIMARY KEY, carrier text, carrier_id int REFERENCES carriers,
  "Seat No" text, email text);
GRANT SELECT ON carriers, flights TO PUBLIC
"""


ZONED = services.TemplateDraft(
    pod="payments",
    name="Zoned departures",
    language="sql",
    access="read",
    statement="SELECT id FROM flights WHERE carrier = :airline AND id = ANY (:ids)",
    targets=("orders",),
    parameters=(
        services.Declared(services.Typed("airline", "text", "XQ"), has_usual=True),
        services.Declared(services.Typed("ids", "list", [1, 2], "integer"), has_usual=True),
    ),
)
# The same as a query of the shell and as a script, by the name of each.
BY_AIRLINE = {
    "mongo": "db.flights.find({ carrier: params.airline })",
    "script": "return db.flights.find({ carrier: params.airline }).toArray();",
}


def kept_for_events(language: str) -> services.TemplateDraft:
    return services.TemplateDraft(
        pod="payments",
        name=f"Airline in {language}",
        language=language,
        access="read",
        statement=BY_AIRLINE[language],
        targets=("events",),
        parameters=(services.Declared(services.Typed("airline", "text", "XQ"), has_usual=True),),
    )


@pytest.fixture(scope="module")
def two_targets(
    committed: World, target_database: TargetDatabase, mongo_database: Database[dict[str, Any]]
) -> Iterator[World]:
    """The world with two tables that lead to each other, and a MongoDB beside it; both take scripts."""
    mongo_database.flights.insert_many([{"_id": 1, "carrier": "XQ"}, {"_id": 2, "carrier": "LH"}])
    mongo_database["odd name"].insert_one({"_id": 1})
    committed.change_target(allow_scripts=True, personal_columns=["flights.email"])
    Target.objects.create(
        pod=committed.pod,
        name="Events",
        slug="events",
        engine="mongodb",
        read_url_variable=MONGO_READ_VARIABLE,
        write_url_variable=MONGO_WRITE_VARIABLE,
        allow_scripts=True,
    )
    with target_database.connect() as connection:
        connection.execute(TABLES)
        for draft in (ZONED, *map(kept_for_events, BY_AIRLINE)):
            services.create_template(actor=committed.author, draft=draft)
        yield committed
        connection.execute("DROP TABLE flights, carriers")
    empty(mongo_database)


@pytest.fixture(scope="module")
def page(portal: str, two_targets: World, browser: Browser) -> Iterator[Page]:
    """The author's window; what its policy refused or its scripts raised fails the module."""
    client = Client()
    client.force_login(two_targets.author)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": portal}])
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    page.goto(f"{portal}/queries/new/")
    yield page
    context.close()
    assert faults == []


def choose(page: Page, target: str, language: str, engine_noun: str) -> None:
    page.get_by_label("Target", exact=True).select_option(target)
    page.get_by_label("Language", exact=True).select_option(language)
    page.locator("[data-schema-state]", has_text=engine_noun).wait_for()


def write(page: Page, text: str) -> None:
    """Replace the text; `|` is where the cursor ends up."""
    before, _, after = text.partition("|")
    page.locator(".cm-content").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(before + after)
    for _ in after:
        page.keyboard.press("ArrowLeft")


def completed(page: Page, text: str) -> list[str]:
    """What is offered at the cursor when asked for, in order."""
    write(page, text)
    page.keyboard.press("Control+Space")
    page.wait_for_timeout(400)
    labels = page.locator(".cm-tooltip-autocomplete li .cm-completionLabel").all_inner_texts()
    page.keyboard.press("Escape")
    return labels


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("SELECT count(*) FROM flights GROUP BY ca|", ["carrier", "carrier_id", "carriers"]),
        ("SELECT ca| FROM flights", ["carrier", "carrier_id", "carriers"]),
        ("SELECT * FROM ca|", ["carriers"]),
        ("SELECT * FROM carriers c, flights f WHERE ca|", ["c.carrier", "f.carrier", "carrier_id", "carriers"]),
        ("SELECT * FROM carriers c JOIN flights f ON f.|", ["id", "carrier", "carrier_id", "Seat No", "email"]),
        ("SELECT 1; DELETE FROM flights WHERE em|", ["email"]),
        ("WITH late AS (SELECT 1) SELECT * FROM la|", ["late"]),
        ("SELECT extract(year FROM ca|) FROM flights", ["carrier", "carrier_id"]),
    ],
)
def test_columns_of_the_tables_in_from_come_first(page: Page, text: str, first: list[str]) -> None:
    choose(page, "orders", "sql", "table")
    assert completed(page, text)[: len(first)] == first


@pytest.mark.parametrize("text", ["SELECT 'ca|", "SELECT 1 -- ca|", "SELECT $q$ ca|"])
def test_nothing_is_completed_in_a_value_or_a_comment(page: Page, text: str) -> None:
    choose(page, "orders", "sql", "table")
    assert completed(page, text) == []


@pytest.mark.parametrize(
    ("target", "language", "text", "there", "not_there"),
    [
        ("events", "mongo", "db.|", {"flights", "odd name", "runCommand"}, {"query"}),
        ("events", "mongo", "db.flights.|", {"find", "createIndex"}, {"query", "toArray"}),
        ("events", "mongo", "db.flights.find({ca|", {"carrier"}, {"case", "const"}),
        ("events", "script", "db.flights.|", {"find", "insertOne"}, {"createIndex", "dropIndex", "count"}),
        ("events", "script", "db.|", {"flights", "listCollections"}, {"runCommand", "hello"}),
        (
            "orders",
            "script",
            "await db.|",
            {"query", "one", "iterate", "attempt"},
            {"flights", "find", "getCollection"},
        ),
        ("orders", "script", "await db.flights.|", set(), {"find", "insertOne"}),
    ],
)
def test_only_what_holds_there_is_completed(
    page: Page, target: str, language: str, text: str, there: set[str], not_there: set[str]
) -> None:
    choose(page, target, language, "collection" if target == "events" else "table")
    offered = set(completed(page, text))
    assert there <= offered
    assert not not_there & offered


def test_a_click_puts_a_name_in_as_the_language_writes_it(page: Page) -> None:
    choose(page, "orders", "sql", "table")
    write(page, "SELECT ")
    page.get_by_label("Find a table or column").fill("seat no")
    page.get_by_role("button", name="Insert Seat No text").click()
    page.keyboard.type(" FROM ")
    page.get_by_role("button", name="Insert flights", exact=True).click()
    assert page.locator("#id_statement").input_value() == 'SELECT "Seat No" FROM flights'
    choose(page, "events", "mongo", "collection")
    assert page.get_by_role("heading", name="Collections").is_visible()
    write(page, "")
    page.get_by_label("Find a collection or field").fill("odd")
    page.get_by_role("button", name="Insert odd name", exact=True).click()
    assert page.locator("#id_statement").input_value() == 'db.getCollection("odd name")'
    page.get_by_label("Find a collection or field").fill("")


def test_panel_tells_types_keys_sizes_and_personal_data(page: Page) -> None:
    choose(page, "orders", "sql", "table")
    page.get_by_label("Find a table or column").fill("flights")
    leaves = page.locator(".tree__leaf").all_inner_texts()
    assert [" ".join(leaf.split()) for leaf in leaves] == [
        "Insert id key bigint",
        "Insert carrier text",
        "Insert carrier_id → carriers integer",
        "Insert Seat No text",
        "Insert email personal text",
    ]
    page.get_by_label("Find a table or column").fill("")


def test_escape_then_tab_leaves_also_while_completions_are_shown(page: Page) -> None:
    choose(page, "orders", "sql", "table")
    write(page, "SELECT ca| FROM flights")
    page.keyboard.press("Control+Space")
    page.locator(".cm-tooltip-autocomplete").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.cm-editor') === null")
    assert page.locator("#id_statement").input_value() == "SELECT ca FROM flights"


def test_a_template_is_completed_with_a_row_for_each_parameter(page: Page) -> None:
    choose(page, "events", "mongo", "collection")
    assert "Zoned departures" not in completed(page, "zoned|")
    choose(page, "orders", "sql", "table")
    assert completed(page, "zoned|") == ["Zoned departures"]
    page.keyboard.press("Control+Space")
    page.wait_for_timeout(400)
    page.keyboard.press("Enter")
    expect(page.locator("#id_statement")).to_have_value(ZONED.statement)
    for name, kind, value in (("airline", "text", "XQ"), ("ids", "list of integer", "1\n2")):
        row = page.get_by_role("group", name=f"Parameter {name}")
        expect(row.get_by_role("textbox", name="Value")).to_have_value(value)
        expect(row.locator("[data-part=type]")).to_have_value(kind)
        row.get_by_role("button", name="Remove this parameter").click()


@pytest.mark.parametrize("language", BY_AIRLINE)
def test_a_template_is_completed_where_a_statement_of_its_language_begins(page: Page, language: str) -> None:
    choose(page, "events", language, "collection")
    name = f"Airline in {language}"
    for elsewhere in ('"airl|"', "// airl|", "db.airl|", "db.flights.find({ airl| })", "db.flights.find({ a: airl| })"):
        assert name not in completed(page, elsewhere)
    assert [found for found in completed(page, "airl|") if found.startswith("Airline")] == [name]
    page.keyboard.press("Control+Space")
    page.locator(".cm-tooltip-autocomplete li", has_text=name).click()
    expect(page.locator("#id_statement")).to_have_value(BY_AIRLINE[language])
    row = page.get_by_role("group", name="Parameter airline")
    expect(row.get_by_role("textbox", name="Value")).to_have_value("XQ")
    row.get_by_role("button", name="Remove this parameter").click()


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("Control+a", "x"), "x"),
        (("Shift+Home", "q", "Backspace"), "SELECT 'a' AS b -- words\n"),
        (("Control+Shift+Home", "(", "a"), "(a)"),
        (("Control+a", "'"), "'SELECT 'a' AS b -- words\nFROM flights WHERE id > 12'"),
        (("Control+a", "x", "Control+z"), "SELECT 'a' AS b -- words\nFROM flights WHERE id > 12"),
    ],
)
def test_typing_over_a_selection_leaves_no_looks_behind(page: Page, keys: tuple[str, ...], text: str) -> None:
    """Left to itself, a browser keeps the look of what was there by a style that the policy of the page refuses."""
    choose(page, "orders", "sql", "table")
    write(page, "SELECT 'a' AS b -- words\nFROM flights WHERE id > 12")
    page.evaluate(
        "document.addEventListener('securitypolicyviolation', ({effectiveDirective}) => "
        "(globalThis.refused ??= []).push(effectiveDirective))"
    )
    for key in keys:
        page.keyboard.press(key)
    expect(page.locator("#id_statement")).to_have_value(text)
    assert page.evaluate("globalThis.refused ?? []") == []


def test_tables_that_did_not_come_are_asked_for_again(page: Page, portal: str) -> None:
    lost = ["schema"]
    page.route("**/schema/", lambda route: route.abort() if lost else route.continue_())
    page.goto(f"{portal}/queries/new/?target=orders&blank=1")
    panel = page.locator("[data-schema-card]")
    expect(panel).to_contain_text("The portal did not answer as expected.")
    axe_finds_nothing(page)
    lost.clear()
    panel.get_by_role("button", name="Try again").click()
    page.locator("[data-schema-state]", has_text="tables").wait_for()
    expect(panel.get_by_role("button", name="Try again")).to_have_count(0)
    expect(page.get_by_role("region", name="Tables and columns")).to_be_focused()
    page.unroute("**/schema/")


def axe_finds_nothing(page: Page) -> None:
    page.evaluate(AXE)
    assert page.evaluate(RUN) == []


def test_findings_of_an_earlier_text_are_told_apart_until_it_is_checked_anew(page: Page, portal: str) -> None:
    page.goto(f"{portal}/queries/new/?target=orders&blank=1")
    choose(page, "orders", "sql", "table")
    card, told = page.locator("[data-checks]"), page.locator("[data-checks-list]")
    write(page, "SELECT carrierr FROM flights")
    expect(card).to_contain_text("1 error")
    expect(told).not_to_have_class(re.compile("is-stale"))
    held: list[Route] = []
    holding = True
    page.route("**/check/", lambda route: held.append(route) if holding else route.continue_())
    write(page, "SELECT carrier FROM flights")
    expect(told).to_have_class(re.compile("is-stale"))
    expect(card.locator("[aria-live]")).to_have_attribute("aria-busy", "true")
    expect(card).to_contain_text("Checking …")
    axe_finds_nothing(page)
    write(page, "SELECT carrierr FROM flights")  # what was checked
    expect(told).not_to_have_class(re.compile("is-stale"))
    write(page, "SELECT carrier FROM flights")
    holding = False
    for route in held:
        route.continue_()
    expect(card).to_contain_text("Reads as valid; touches")
    expect(told).not_to_have_class(re.compile("is-stale"))
    expect(card.locator("[aria-live]")).to_have_attribute("aria-busy", "false")
    page.unroute("**/check/")


def test_checks_that_were_not_answered_say_so_and_are_asked_for_again(page: Page, portal: str) -> None:
    page.goto(f"{portal}/queries/new/?target=orders&blank=1")
    choose(page, "orders", "sql", "table")
    page.route("**/check/", lambda route: route.abort())
    write(page, "SELECT carrier FROM flights")
    card = page.locator("[data-checks]")
    expect(card).to_contain_text("Not checked")
    axe_finds_nothing(page)
    page.unroute("**/check/")
    card.get_by_role("button", name="Try again").click()
    expect(card).to_contain_text("Reads as valid; touches")


def test_sql_is_laid_out_and_says_the_same(page: Page) -> None:
    choose(page, "orders", "sql", "table")
    write(page, "select id,carrier from flights where id=-1 -- one")
    page.get_by_role("button", name="Format").click()
    expect(page.locator("#id_statement")).to_have_value(re.compile("\n"))
    assert "\n  flights\nwhere\n  id = -1 -- one" in page.locator("#id_statement").input_value()
    write(page, "select (")
    page.get_by_role("button", name="Format").click()
    page.get_by_text("could not be read as SQL").wait_for()
    assert page.locator("#id_statement").input_value() == "select ("
    choose(page, "events", "mongo", "collection")
    assert page.get_by_role("button", name="Format").is_hidden()


def test_a_file_that_is_refused_says_so_at_the_field(page: Page) -> None:
    choose(page, "orders", "sql", "table")
    write(page, "SELECT 'stays'")
    chooser = page.locator("[data-open-file] input")
    chooser.set_input_files({"name": "odd.sql", "mimeType": "text/plain", "buffer": b"SELECT '\xff'"})
    page.locator("[data-refused]", has_text="odd.sql is not UTF-8 text").wait_for()
    chooser.set_input_files({"name": "big.sql", "mimeType": "text/plain", "buffer": b"x" * 2_000_001})
    page.locator("[data-refused]", has_text="2,000,001 bytes").wait_for()
    assert page.locator("#id_statement").input_value() == "SELECT 'stays'"
    chooser.set_input_files({"name": "good.sql", "mimeType": "text/plain", "buffer": b"SELECT 2"})
    expect(page.locator("#id_statement")).to_have_value("SELECT 2")
    assert page.locator("[data-refused]").is_hidden()


def test_only_languages_of_the_target_are_offered(page: Page) -> None:
    for target, noun, names in (
        ("orders", "table", ["SQL", "JavaScript"]),
        ("events", "collection", ["MongoDB query", "JavaScript"]),
    ):
        page.get_by_label("Target", exact=True).select_option(target)
        page.locator("[data-schema-state]", has_text=noun).wait_for()
        offered = page.locator("#id_language option:not([disabled])").all_inner_texts()
        assert offered == names


def test_drafts_are_kept_apart_and_none_is_written_over(page: Page, portal: str) -> None:
    page.goto(f"{portal}/")
    KeptDraft.objects.all().delete()  # those of the tests before
    page.goto(f"{portal}/queries/new/?blank=1")
    choose(page, "orders", "script", "table")
    write(page, "return 'a script'")
    page.locator("[data-draft-state]", has_text="Draft saved").wait_for()
    page.goto(f"{portal}/queries/new/?target=orders&blank=1")
    assert page.get_by_label("Language", exact=True).input_value() == "sql"
    write(page, "SELECT 'a statement'")
    page.locator("[data-draft-state]", has_text="Draft saved").wait_for()
    page.get_by_label("Language", exact=True).select_option("script")
    page.get_by_text("Another draft is kept for this target").wait_for()
    page.evaluate(AXE)
    assert page.evaluate(RUN) == []
    page.get_by_role("link", name="Open that draft").click(no_wait_after=True)
    expect(page.locator("#id_statement")).to_have_value("return 'a script'")
    assert page.get_by_label("Language", exact=True).input_value() == "script"
    page.locator("summary", has_text="beside this one").click()
    page.get_by_role("link", name="SELECT 'a statement'").click()
    expect(page.locator("#id_statement")).to_have_value("SELECT 'a statement'")
    page.get_by_role("button", name="Discard draft").click()
    page.wait_for_url(f"{portal}/queries/new/?blank=1&target=orders")
    assert page.locator("summary", has_text="draft").is_visible()
    assert page.locator("#id_statement").input_value() == ""


def test_similar_requests_are_shown_while_one_types(page: Page, portal: str, two_targets: World) -> None:
    two_targets.executed("SELECT count(*) FROM carriers WHERE id = 1", reason="Counted before")
    page.goto(f"{portal}/queries/new/?target=orders&blank=1")
    choose(page, "orders", "sql", "table")
    write(page, "SELECT count(*) FROM carriers WHERE id = 7")
    page.get_by_role("link", name="Counted before").wait_for()
    assert "Finished, 1 row, " in page.locator("[data-similar]").inner_text()
    write(page, "SELECT max(id) FROM carriers")
    page.locator("[data-similar]").wait_for(state="hidden")

"""A page is bounded whatever the rows hold; the rest of a value is asked for."""

from __future__ import annotations

import json
import re
import tracemalloc
from typing import Any

import bson
import pytest
from bson import json_util
from pymongo.database import Database

from audit.models import AuditLog
from executors.base import Call, RowEncoding
from queries.models import LogLine, QueryRequest, ScriptCall
from queries.services import Typed
from queries.tests.conftest import SignedIn
from queries.tests.results.stored import store, store_cells
from queries.tests.world import World

MOST = 1_100_000
MB = 1024 * 1024


def page(client_of: SignedIn, world: World, query: QueryRequest, extra: str = "result/") -> str:
    response = client_of(world.author).get(f"/queries/{query.public_id}/{extra}")
    assert response.status_code == 200
    assert len(response.content) < MOST
    return str(response.content.decode())


def fields(count: int) -> dict[str, Any]:
    return {f"field_{n}": n for n in range(count)}


DOCUMENTS: dict[str, list[dict[str, Any]]] = {
    "15 of 5 MB": [{"_id": n, "text": "x" * (5 * MB)} for n in range(15)],
    "one of 14 MB": [{"_id": 1, "text": "é" * (7 * MB)}],
    "hidden characters": [{"_id": n, "text": "\u202e" * 200_000} for n in range(12)],
    "many fields": [{"_id": n, **fields(20_000)} for n in range(5)],
    "deep arrays": [{"_id": n, "a": [[1, 2, {"b": 3}]] * 50_000} for n in range(3)],
    "many lines": [{"_id": n, "text": "\n" * 100_000} for n in range(20)],
    "long names": [{"_id": n, "n" * 100_000: n, "m" * 100_000: n} for n in range(5)],
    "markup": [{"_id": n, "text": "<&>\"'" * 50_000} for n in range(100)],
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("view", ["documents", "table"])
def test_a_page_of_documents_is_bounded(world: World, client_of: SignedIn, name: str, view: str) -> None:
    """page-01."""
    rows = [bson.encode(document) for document in DOCUMENTS[name]]
    names = list(dict.fromkeys(key for document in DOCUMENTS[name] for key in document))[:1000]
    query = store(world, RowEncoding.BSON, rows, names)
    html = page(client_of, world, query, f"result/?view={view}")
    assert ("the whole value" in html) == (view == "documents" or "text" in names or "a" in names)
    page(client_of, world, query, "")


CELLS: dict[str, tuple[list[list[str | None]], int]] = {
    "three of 9 MB": ([["x" * (9 * MB)] * 3], 3),
    "1,600 columns": ([["x" * 1000] * 1600] * 4, 1600),
    "1,600 hidden columns": ([["\u200b" * 1000] * 1600] * 3, 1600),
    "short ones, many": ([["1"] * 1000] * 60, 1000),
    "escapes": ([["\\\t\n" * 100_000] * 5] * 4, 5),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_page_of_rows_is_bounded_and_the_next_goes_on(world: World, client_of: SignedIn, name: str) -> None:
    """page-01."""
    rows, width = CELLS[name]
    query = store_cells(world, rows, [f"c{n}" for n in range(width)])
    seen, at = 0, 0
    while True:
        html = page(client_of, world, query, f"result/?row={at}")
        seen += html.count('<td class="rownum">')
        following = re.search(r'href="\?row=(\d+)" rel="next"', html)
        if following is None:
            break
        at = int(following[1])
        assert at == seen
    assert seen == len(rows)


@pytest.mark.parametrize(
    "row",
    [
        ["x" * (9 * MB), 1],
        [["\u2028", {"a": [1, "]"]}] * 30_000, 1],
        ['\\"' * 500_000, 1],
        ['"' * 100_000, {"k": '\\"]}'}],
        ["\U0001f600" * 200_000, None],
        ["x" * 39 + "\\" * 200_000, 1.5],
    ],
)  # fmt: skip
def test_a_page_of_a_scripts_rows_is_bounded(world: World, client_of: SignedIn, row: list[object]) -> None:
    """page-01."""
    query = store(world, RowEncoding.JSON, [json.dumps(row).encode() + b"\n"] * 3, ["a", "b"])
    html = page(client_of, world, query)
    assert html.count("the whole value") == 3
    assert html.count('<td class="rownum">') == 3


def test_the_whole_value_is_one_link_away_and_recorded(world: World, client_of: SignedIn) -> None:
    """page-01: the rest of a cell is asked for."""
    value = "<begin>" + "é" * 50_000 + "<end>"
    query = store_cells(world, [["first", "short"], [value, "short"]], ["a", "b"])
    html = page(client_of, world, query)
    address = f"/queries/{query.public_id}/result/value/?row=1&amp;column=0"
    assert f'href="{address}"' in html
    response = client_of(world.author).get(address.replace("&amp;", "&"))
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert b"".join(response).decode() == value
    entry = AuditLog.objects.filter(action="result.view").order_by("seq").last()
    assert entry is not None
    assert {"first_row": 1, "rows": 1, "column": 0}.items() <= json.loads(entry.data).items()


def test_a_whole_document_is_one_link_away(world: World, client_of: SignedIn) -> None:
    """page-01."""
    query = store(world, RowEncoding.BSON, [bson.encode({"_id": 1, "text": "x" * 50_000, "end": True})], ["_id"])
    html = page(client_of, world, query)
    assert "result/value/?row=0" in html
    response = client_of(world.author).get(f"/queries/{query.public_id}/result/value/?row=0")
    text = b"".join(response).decode()
    assert text.startswith("{\n  _id: 1,")
    assert "end: true" in text
    assert "x" * 50_000 in text


@pytest.mark.parametrize("address", ["?row=9&column=0", "?row=0&column=7", "?row=0&column=1", "?row=0"])
def test_a_value_that_is_not_there_is_not_found(world: World, client_of: SignedIn, address: str) -> None:
    query = store_cells(world, [["1", None]], ["a", "b"])
    assert client_of(world.author).get(f"/queries/{query.public_id}/result/value/{address}").status_code == 404


@pytest.mark.parametrize("name", ["colleague", "outsider", "auditor", "admin"])
def test_a_value_is_for_those_who_see_the_result(world: World, client_of: SignedIn, name: str) -> None:
    query = store_cells(world, [["1"]], ["a"])
    response = client_of(getattr(world, name)).get(f"/queries/{query.public_id}/result/value/?row=0&column=0")
    assert response.status_code in {403, 404}


def test_a_page_of_the_api_ends_early_and_the_next_goes_on(world: World, client_of: SignedIn) -> None:
    """page-01: `limit` rows up to so many bytes, `next` continues."""
    query = store_cells(world, [[str(n), "x" * 600_000] for n in range(10)], ["n", "text"])
    client, seen, cursor, pages = client_of(world.author), [], "", 0
    while True:
        answer = client.get(f"/api/v1/queries/{query.public_id}/result/?limit=100&cursor={cursor}").json()
        seen += [row[0] for row in answer["rows"]]
        pages += 1
        if answer["next"] is None:
            break
        cursor = answer["next"]
    assert seen == [str(n) for n in range(10)]
    assert pages == 4


def test_memory_of_a_page_does_not_grow_with_its_documents(world: World, client_of: SignedIn) -> None:
    """page-01: 15 documents of 5 MB are shown one after the other, never all at once."""
    rows = [bson.encode(document) for document in DOCUMENTS["15 of 5 MB"]]
    query = store(world, RowEncoding.BSON, rows, ["_id", "text"])
    del rows
    page(client_of, world, query)
    tracemalloc.start()
    page(client_of, world, query)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * MB


@pytest.mark.mongo
def test_every_field_of_every_document_is_everywhere(
    world: World, on_mongo: Database[dict[str, Any]], client_of: SignedIn
) -> None:
    """out-08: 200 documents, the field `error` in the last fifty only."""
    on_mongo.c.insert_many([{"_id": n, **({"error": f"E{n}"} if n >= 150 else {})} for n in range(200)])
    query = world.mongo("db.c.find().sort({_id: 1})")
    html = page(client_of, world, query, "result/?view=table")
    assert ">error</button><small>string</small>" in html
    assert html.count("absent") == 150
    assert "E199" in html
    client = client_of(world.author)
    table = b"".join(client.get(f"/queries/{query.public_id}/result.csv")).decode()
    assert table.splitlines()[0] == "_id,error"
    assert table.splitlines()[200] == "199,E199"
    answer = client.get(f"/api/v1/queries/{query.public_id}/result/?limit=1").json()
    assert [column["name"] for column in answer["columns"]] == ["_id", "error"]


@pytest.fixture
def scripted(world: World) -> QueryRequest:
    """A request whose run called and wrote a lot, all of it hard to show."""
    world.change_target(allow_scripts=True)
    query = world.submitted("return 1", language="script")
    world.approved(query)
    calls = [Call(n, "\u202e" * 20_000, "<&>" * 6_000, 1, 1.0, "no") for n in range(1, 101)]
    ScriptCall.objects.bulk_create([ScriptCall.of(query.pk, call) for call in calls])
    lines = ["\u200b" * 200_000, *(f"line {n} " + "x\n" * 3_000 for n in range(2, 301))]
    LogLine.objects.bulk_create([LogLine.of(query.pk, n, "info", text) for n, text in enumerate(lines, start=1)])
    return QueryRequest.objects.get(pk=query.pk)


@pytest.mark.sandbox
@pytest.mark.parametrize(("view", "total"), [("calls", 100), ("console", 300)])
def test_pages_of_what_a_script_did_are_bounded(
    world: World, client_of: SignedIn, scripted: QueryRequest, view: str, total: int
) -> None:
    """page-01: console lines and the parameters of calls; the next page goes on."""
    page(client_of, world, scripted, "")
    seen, at = 0, 0
    while True:
        html = page(client_of, world, scripted, f"result/?view={view}&from={at}")
        following = re.search(r'href="[^"]*from=(\d+)[^"]*" rel="next"', html)
        seen = int(following[1]) if following else total
        assert seen > at
        if following is None:
            break
        at = seen
    assert f"to {total} of {total}" in html


@pytest.mark.sandbox
def test_a_long_text_of_a_script_is_one_link_away(world: World, client_of: SignedIn, scripted: QueryRequest) -> None:
    """page-01."""
    client, address = client_of(world.author), f"/queries/{scripted.public_id}/result/value/"
    for asked, text in (
        ("?line=1", "\u200b" * 200_000),
        ("?call=7&part=statement", "\u202e" * 20_000),
        ("?call=7&part=parameters", "<&>" * 6_000),
    ):
        assert b"".join(client.get(address + asked)).decode() == text
    assert "value/?call=1&amp;part=statement" in page(client_of, world, scripted, "result/?view=calls")
    for asked in ("?line=0", "?call=999", "?call=7&part=key_id"):
        assert client.get(address + asked).status_code == 404


def test_values_of_parameters_are_bounded_and_one_link_away(world: World, client_of: SignedIn) -> None:
    """page-01."""
    hidden = [Typed(f"p_{number}", "text", "\u200b" * 50_000) for number in range(99)]
    text = f"SELECT {', '.join(f':{one.name}::text' for one in hidden)}, :last"
    query = world.submitted(text, parameters=(*hidden, Typed("last", "integer", "7")))
    html = page(client_of, world, query, "")
    assert "parameter-1.txt" in html
    assert "parameter-100.txt" not in html
    whole = client_of(world.reviewer).get(f"/queries/{query.public_id}/parameter-1.txt")
    assert whole.content.decode() == "\u200b" * 50_000
    assert client_of(world.reviewer).get(f"/queries/{query.public_id}/parameter-101.txt").status_code == 404


# --- the same over the API ----------------------------------------------------------------------------------

# Two MiB of rows, a quarter of columns' names, and what is around them.
ANSWER_MOST = 2_500_000


def answers(client_of: SignedIn, world: World, query: QueryRequest) -> list[dict[str, Any]]:
    """Every page of the API, each bounded."""
    pages: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        path = f"/api/v1/queries/{query.public_id}/result/"
        response = client_of(world.author).get(path, {"limit": "1000", "cursor": cursor})
        assert response.status_code == 200
        assert len(response.content) < ANSWER_MOST
        pages.append(response.json())
        cursor = pages[-1]["next"]
    return pages


def cut_cells(page: dict[str, Any]) -> set[tuple[int, int]]:
    return {(cut["row"] - page["first_row"], cut["column"]) for cut in page["cut"] if cut["column"] is not None}


@pytest.mark.parametrize("name", CELLS)
def test_an_answer_is_bounded_and_says_what_it_cut(world: World, client_of: SignedIn, name: str) -> None:
    rows, width = CELLS[name]
    query = store_cells(world, rows, [f"c{n}" for n in range(width)])
    first = 0
    for page in answers(client_of, world, query):
        for number, row in enumerate(page["rows"]):
            whole = rows[first + number]
            short = {place for place, cell in enumerate(row) if cell != whole[place]}
            assert {(number, place) for place in short} == {cut for cut in cut_cells(page) if cut[0] == number}
            assert all(str(whole[place]).startswith(row[place]) for place in short)
        assert len(page["rows"]) == 1 or page["cut"] == []
        first += len(page["rows"])
    assert first == len(rows)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_answer_of_documents_is_bounded(world: World, client_of: SignedIn, name: str) -> None:
    documents = DOCUMENTS[name]
    names = list(dict.fromkeys(key for document in documents for key in document))[:1000]
    query = store(world, RowEncoding.BSON, [bson.encode(document) for document in documents], names)
    pages = answers(client_of, world, query)
    whole = [json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS) for document in documents]
    assert sum(len(page["documents"]) for page in pages) == len(documents)
    for page in pages:
        cut = {item["row"] for item in page["cut"] if item["row"] is not None and item["column"] is None}
        for number, text in enumerate(page["documents"], start=page["first_row"]):
            if number not in cut:
                assert json.loads(text) == json.loads(whole[number])


def test_a_scripts_row_is_cut_and_a_download_holds_the_whole(world: World, client_of: SignedIn) -> None:
    row = ["x" * (3 * MB), 12345678901234567890, {"deep": ["y" * MB]}, "\x01" * 300_000, None]
    query = store(world, RowEncoding.JSON, [json.dumps(row).encode() + b"\n"] * 2, list("abcde"))
    for page in answers(client_of, world, query):
        assert cut_cells(page) == {(0, 0), (0, 2), (0, 3)}
        assert page["rows"][0][1::3] == ["12345678901234567890", None]
    file = client_of(world.author).get(f"/api/v1/queries/{query.public_id}/result.jsonl")
    assert sum(map(len, file)) > 2 * 4 * MB


def test_names_that_fill_an_answer_are_cut_and_said_so(world: World, client_of: SignedIn) -> None:
    query = store_cells(world, [["1"] * 100], [f"{n:02}" + "n" * 100_000 for n in range(100)])
    (page,) = answers(client_of, world, query)
    assert [cut for cut in page["cut"] if cut["row"] is None] == [{"row": None, "column": n} for n in range(100)]
    assert [column["name"][:2] for column in page["columns"]] == [f"{n:02}" for n in range(100)]

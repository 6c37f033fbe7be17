"""A result that was cut says so wherever it goes."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.urls import reverse

from queries.models import QueryRequest
from queries.tests.conftest import SignedIn
from queries.tests.world import World


@pytest.fixture
def cut(world: World) -> QueryRequest:
    world.change_target(rows_limit=5)
    return world.executed("SELECT n FROM generate_series(1, 50) AS n")


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx", "parquet"])
@pytest.mark.parametrize("door", ["/queries/{}/result.{}", "/api/v1/queries/{}/result.{}"])
def test_the_files_name_and_a_header_say_so(
    cut: QueryRequest, world: World, client_of: SignedIn, kind: str, door: str
) -> None:
    """out-11."""
    response = client_of(world.author).get(door.format(cut.public_id, kind))
    assert response["Content-Disposition"].endswith(f'-first-5-rows-cut.{kind}"')
    assert response["X-Result-Truncated"] == "rows"
    assert b"".join(response)


def test_a_cut_by_bytes_says_which_limit_it_was(world: World, client_of: SignedIn) -> None:
    """out-11."""
    world.change_target(bytes_limit=1000)
    query = world.executed("SELECT repeat('x', 100) FROM generate_series(1, 100)")
    response = client_of(world.author).get(f"/queries/{query.public_id}/result.csv")
    assert response["X-Result-Truncated"] == "bytes"
    assert "-rows-cut.csv" in response["Content-Disposition"]


def test_a_whole_result_claims_nothing(world: World, client_of: SignedIn) -> None:
    query = world.executed()
    response = client_of(world.author).get(f"/queries/{query.public_id}/result.csv")
    assert "cut" not in response["Content-Disposition"]
    assert "X-Result-Truncated" not in response


def test_the_page_of_the_download_says_so(cut: QueryRequest, world: World, client_of: SignedIn) -> None:
    """out-11."""
    client = client_of(world.author)
    page = client.get(reverse("queries:detail", args=[cut.public_id])).content.decode()
    assert "Not all of it: the first 5 rows" in page
    page = client.get(reverse("queries:result", args=[cut.public_id])).content.decode()
    assert "Downloads end there too" in page


def test_the_workbook_says_so_inside(cut: QueryRequest, world: World, client_of: SignedIn) -> None:
    """out-11."""
    response = client_of(world.author).get(f"/queries/{cut.public_id}/result.xlsx")
    with zipfile.ZipFile(io.BytesIO(b"".join(response))) as book:
        assert "not all of it" in book.read("xl/workbook.xml").decode()
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/")]
        assert any(b"cut at the row limit" in book.read(name) for name in sheets)


def test_the_workbook_says_that_cells_are_longer(world: World, client_of: SignedIn) -> None:
    query = world.executed("SELECT repeat('x', 40000)")
    response = client_of(world.author).get(f"/queries/{query.public_id}/result.xlsx")
    with zipfile.ZipFile(io.BytesIO(b"".join(response))) as book:
        assert b"1 cells are longer" in book.read("xl/worksheets/sheet2.xml")

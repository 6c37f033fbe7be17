"""`q=`: what is found, however many match, and that no word in it is taken for something else."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from queries import querysets
from queries.models import QueryRequest
from queries.tests.world import World

REASONS = {
    "plain": "Look into payroll",
    "percent": "A rise of 100%s for payroll",
    "underscore": "The table pay_roll",
    "quote": "O'Brien's \\ payroll",
    "letters": "Gehälter und Löhne 給料",
}
SEARCHES = {
    "payroll": {"plain", "percent", "quote"},
    "PAYROLL look": {"plain"},
    "look nowhere": set(),
    "100%s": {"percent"},
    "%": {"percent"},
    "%s payroll": {"percent"},
    "pay_roll": {"underscore"},
    "_": {"underscore"},
    "o'brien's": {"quote"},
    "'": {"quote"},
    "\\": {"quote"},
    "' OR 1=1 --": set(),
    "löhne": {"letters"},
    "給料": {"letters"},
    " \0 ": set(REASONS),
    "%(word)s": set(),
}


@pytest.mark.parametrize("few", [0, 2000])
def test_what_is_found_does_not_depend_on_how_many_match(
    world: World, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(querysets, "_FEW", few)
    keys = {world.submitted(reason=reason).pk: name for name, reason in REASONS.items()}
    for words, expected in SEARCHES.items():
        found = QueryRequest.objects.search_for(words)
        assert {keys[query.pk] for query in found} == expected, words
        assert found.filter(pk__lt=0).count() == 0, words


@pytest.mark.parametrize("few", [0, 2000])
@pytest.mark.parametrize("written", ["{}", "QR-{}", "qr-{}", "0{}"])
def test_a_request_is_found_by_its_number(
    world: World, monkeypatch: pytest.MonkeyPatch, written: str, few: int
) -> None:
    monkeypatch.setattr(querysets, "_FEW", few)
    query = world.submitted(reason="Nothing to count")
    assert list(QueryRequest.objects.search_for(written.format(query.pk))) == [query]
    assert not QueryRequest.objects.search_for(f"{query.pk} elsewhere")
    assert not QueryRequest.objects.search_for("9" * 40)


def test_a_word_is_planned_for_every_time_it_is_searched_for(world: World) -> None:
    """A word that is a parameter is planned for once and for all, as one that thousands of requests have."""
    world.submitted(reason="About payroll")
    for _ in range(8):
        with CaptureQueriesContext(connection) as asked:
            assert len(QueryRequest.objects.search_for("payroll").order_by("-pk")[:5]) == 1
        assert "'payroll'" in asked[0]["sql"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%%search%%LIKE%%'")
        kept = [statement for (statement,) in cursor.fetchall()]
    assert kept
    assert all("'payroll'" in statement for statement in kept)

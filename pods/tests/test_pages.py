"""The page of a target: its tables, who decides, how busy it is, and what is shown to whom."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from executors.base import Column, Reference, Table
from pods import holdings
from pods.membership import create_pod
from pods.models import Target
from portal.tests.people import Submit


def page(person: User, target: Target, words: str = "") -> str:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client.get(f"/pods/{target.pod.slug}/{target.slug}/", {"q": words}).content.decode()


@pytest.mark.django_db
def test_its_tables_are_listed_with_their_columns(author: User, submitted: Submit) -> None:
    query = submitted()
    query.target.personal_columns = ["orders.customer"]
    query.target.save()
    body = page(author, query.target)
    assert "public.orders" in body
    personal = body.partition(">customer</td>")[2].partition("</tr>")[0]
    assert ">Personal</span>" in personal
    assert ">Key</span>" in body.partition(">id</td>")[2].partition("</tr>")[0]
    assert f"/queries/new/?target={query.target.slug}" in body
    assert query.number in body
    assert "reviewer" in body.partition("Who decides")[2]


@pytest.mark.django_db
@pytest.mark.parametrize(("words", "found"), [("ORDERS", True), ("order cust", True), ("nothing-like-it", False)])
def test_tables_are_searched(words: str, found: bool, author: User, submitted: Submit) -> None:
    body = page(author, submitted().target, words)
    assert ("Columns of public.orders" in body) is found
    assert ("No table or column has that in its name." in body) is not found


@pytest.mark.django_db
def test_who_may_only_read_of_it_is_shown_no_table(auditor: User, admin: User, submitted: Submit) -> None:
    target = submitted().target
    for person in (auditor, admin):
        body = page(person, target)
        assert "shown to those who may ask for something here" in body
        assert "public.orders" not in body
        assert "Ask here" not in body


@pytest.mark.django_db
def test_a_target_that_does_not_answer_is_a_page_all_the_same(
    author: User, submitted: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = submitted().target
    monkeypatch.delenv(target.read_url_variable)
    body = page(author, target)
    assert "What it holds is not known now" in body
    assert target.read_url_variable in body


@pytest.mark.django_db
def test_a_target_is_found_below_its_own_pod_alone(admin: User, submitted: Submit) -> None:
    target = submitted().target
    create_pod(actor=admin, name="Elsewhere", slug="elsewhere")
    client = Client()
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/pods/elsewhere/{target.slug}/").status_code == 404


def test_a_page_holds_no_more_than_it_can() -> None:
    columns = tuple(Column(f"column_{n}", "text") for n in range(150))
    reference = Reference("column_1", "other")
    tables = [Table("s", f"table_{n:03}", "table", columns, None, ("column_0",), (reference,)) for n in range(130)]
    found = holdings.holdings(tables, "TABLE column_149", [])
    assert (len(found.tables), found.matching, found.total) == (100, 130, 130)
    first = found.tables[0]
    assert (first.name, len(first.columns), first.left_out) == ("s.table_000", 100, 50)
    assert [column.leads_to for column in first.columns[:2]] == ["", "other"]

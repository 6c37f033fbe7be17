"""page-03: an address that takes POST alone leads whoever comes by GET back to what it is about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client as DjangoClient
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from portal.tests.people import Submit
from web.verbs import noun

VALUES = {"public_id": "", "slug": "shop", "format": "csv", "view_id": "1", "number": "1", "target": "orders"}


def pages(found: list[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    """Every address of a page, the admin's own left out."""
    for part in found:
        path = before + str(part.pattern)
        if isinstance(part, URLResolver):
            if not path.startswith(("/api/", "/admin/")):
                yield from pages(part.url_patterns, path)
        elif not path.startswith("/^"):
            yield path


def address(pattern: str, public_id: object) -> str:
    for name, value in {**VALUES, "public_id": str(public_id)}.items():
        for kind in ("uuid", "slug", "int"):
            pattern = pattern.replace(f"<{kind}:{name}>", value)
    return pattern


@pytest.mark.django_db
def test_no_address_answers_a_reload_with_nothing(client: DjangoClient, author: User, submitted: Submit) -> None:
    query = submitted()
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    asked = [address(pattern, query.public_id) for pattern in pages(get_resolver().url_patterns)]
    assert f"/queries/{query.public_id}/reject/" in asked
    for path in asked:
        answer = client.get(path)
        assert answer.status_code != 405, path
        assert "<" not in path


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["approve", "reject", "withdraw", "cancel", "revise"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_a_verb_leads_back_to_its_request(
    verb: str, method: str, client: DjangoClient, author: User, submitted: Submit
) -> None:
    query = submitted()
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    answer = getattr(client, method)(f"/queries/{query.public_id}/{verb}/")
    assert (answer.status_code, answer["Location"]) == (302, f"/queries/{query.public_id}/")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "to"), [("/audit/verify/", "/audit/"), ("/accounts/logout/", "/accounts/"), ("/admin/logout/", "/admin/")]
)
def test_other_verbs_lead_to_their_nouns(path: str, to: str, client: DjangoClient, admin: User) -> None:
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, to)
    assert client.get(to, follow=True).status_code == 200


@pytest.mark.django_db
def test_any_other_method_is_answered_with_words(client: DjangoClient, author: User) -> None:
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    for answer in (client.put("/queries/"), client.post("/queries/"), client.delete("/review/")):
        assert answer.status_code == 405
        assert "Not possible here" in answer.content.decode()
        assert "GET" in answer["Allow"]


def test_a_noun_stands_one_step_above() -> None:
    assert noun("/queries/1/reject/") == "/queries/1/"
    assert noun("/verb/") == "/"

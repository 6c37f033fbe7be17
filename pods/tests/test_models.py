"""Targets hold names of variables, never a credential."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.models import User
from executors.base import Access, Language
from pods.models import Pod, Target
from portal.tests.people import READ, WRITE, Orders

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("read_url_variable", "postgresql://me:secret@host/db"),
        ("read_url_variable", "lower_case"),
        ("read_url_variable", "PORTAL_DATABASE_URL"),
        ("write_url_variable", "PORTAL_SECRET_KEY"),
        ("write_url_variable", READ),
        ("maintenance_url_variable", "PORTAL_SECRET_KEY"),
        ("maintenance_url_variable", READ),
        ("maintenance_seconds_limit", 86_401),
        ("search_path", "public, pg_temp"),
        ("search_path", "pub\0lic"),
        ("seconds_limit", 0),
        ("rows_limit", 10_000_001),
        ("approvals_required", 0),
        ("retention_days", 0),
        ("engine", "oracle"),
    ],
)
def test_settings_that_cannot_be(field: str, value: Any, target: Target) -> None:
    setattr(target, field, value)
    with pytest.raises(ValidationError) as caught:
        target.full_clean()
    assert list(caught.value.message_dict) == [field]


def test_maintenance_is_of_postgresql(target: Target) -> None:
    target.allow_maintenance = True
    target.full_clean()
    target.engine = "mongodb"
    with pytest.raises(ValidationError, match="no maintenance of MongoDB"):
        target.full_clean()


def test_maintenance_has_a_login_and_limits_of_its_own(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not target.offers(Access.MAINTENANCE)
    target.allow_maintenance, target.maintenance_url_variable = True, "ORDERS_MT"
    assert target.missing_variables() == ["ORDERS_MT"]
    monkeypatch.setenv("ORDERS_MT", "postgresql://owner@host/orders")
    found = target.with_credential(Access.MAINTENANCE)
    assert (found.url, found.seconds, found.lock_seconds) == ("postgresql://owner@host/orders", 3600, 60)
    target.maintenance_url_variable = ""
    assert target.offers(Access.MAINTENANCE)
    assert target.url_variable(Access.MAINTENANCE) == WRITE


def test_a_usual_target_is_fine(target: Target) -> None:
    target.full_clean()


def test_each_access_gets_its_own_login(target: Target, orders: Orders) -> None:
    assert target.with_credential(Access.READ).url == orders.read
    assert target.with_credential(Access.WRITE).url == orders.write


def test_no_repr_shows_a_url(target: Target, orders: Orders) -> None:
    assert orders.read not in repr(target.with_credential(Access.READ)) + repr(target) + str(target)


def test_a_missing_variable_is_raised_by_name(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WRITE)
    assert (target.missing_variables(), target.offers(Access.WRITE)) == ([WRITE], False)
    with pytest.raises(KeyError, match=WRITE):
        target.with_credential(Access.WRITE)


@pytest.mark.parametrize("name", ["PORTAL_DATABASE_URL", "PORTAL_SECRET_KEY", "PORTAL_RESULT_KEYS"])
def test_the_portals_own_variables_are_never_read(name: str, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "postgresql://portal:secret@127.0.0.1/portal")
    Target.objects.filter(pk=target.pk).update(read_url_variable=name)
    target.refresh_from_db()
    assert (target.missing_variables(), target.offers(Access.READ)) == ([name], False)
    with pytest.raises(KeyError, match=name):
        target.with_credential(Access.READ)


def test_without_a_write_variable_nothing_is_missing(target: Target) -> None:
    target.write_url_variable = ""
    assert (target.missing_variables(), target.offers(Access.WRITE)) == ([], False)


def test_scripts_only_where_they_are_allowed(target: Target) -> None:
    assert Language.SCRIPT not in target.languages
    target.allow_scripts = True
    assert list(target.languages) == [Language.SQL, Language.SCRIPT]


def test_the_lock_limit_is_within_the_time_limit(target: Target) -> None:
    target.seconds_limit, target.lock_seconds_limit = 3, 5
    assert target.limits.lock_seconds == 3


@pytest.mark.parametrize(("person", "slugs"), [("author", ["orders"]), ("outsider", ["theirs"]), ("admin", [])])
def test_targets_one_may_ask_for(person: str, slugs: list[str], other_target: Target, request: Any) -> None:
    user: User = request.getfixturevalue(person)
    assert list(Target.objects.usable_by(user).values_list("slug", flat=True)) == slugs


def test_inactive_pods_and_targets_take_nothing(author: User, pod: Pod, target: Target) -> None:
    Target.objects.update(active=False)
    assert not Target.objects.usable_by(author).exists()
    Target.objects.update(active=True)
    Pod.objects.update(active=False)
    assert not Target.objects.usable_by(author).exists()

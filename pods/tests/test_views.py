"""The pages of pods."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import SYSTEM, Role, User
from pods.membership import create_pod, set_members
from pods.models import Pod, Target


@pytest.fixture
def pod(db: None) -> Pod:
    people = [User.objects.create(username=name) for name in ("dev", "posing")]
    manager = User.objects.create(username="boss", role=Role.MANAGER)
    pod = create_pod(actor=SYSTEM, name="Payments", slug="payments")
    set_members(actor=SYSTEM, pod=pod, developers=people[:1], managers=[manager, people[1]])
    Target.objects.create(pod=pod, name="Orders", slug="orders", engine="postgresql", read_url_variable="NOBODY_SET_IT")
    return pod


def page(username: str, address: str = "/pods/payments/") -> str:
    client = Client()
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    return client.get(address).content.decode()


def test_pod_names_members_and_targets(pod: Pod) -> None:
    body = page("dev")
    assert [word for word in ("boss", "dev", "Orders", "Production", "30 s, 50,000 rows") if word not in body] == []


def test_missing_variable_is_named_loudly(pod: Pod) -> None:
    assert "Variable NOBODY_SET_IT is not set" in page("dev")
    assert "Variable NOBODY_SET_IT is not set" in page("dev", "/pods/")


def test_developer_among_the_managers_is_marked(pod: Pod) -> None:
    assert page("dev").count("May not decide") == 1

"""The admin: open to the role ADMIN alone, members edited on the pod, every change in the audit log."""

from __future__ import annotations

import json

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import SYSTEM, Role, User
from audit.models import AuditLog
from pods.membership import create_pod
from pods.models import Pod, Target
from queries.models import Decision, Execution, QueryRequest

TARGET = {
    "name": "Orders",
    "slug": "orders",
    "engine": "postgresql",
    "environment": "production",
    "read_url_variable": "NOBODY_SET_READ",
    "write_url_variable": "",
    "search_path": "public",
    "seconds_limit": 30,
    "lock_seconds_limit": 5,
    "rows_limit": 1000,
    "bytes_limit": 100000,
    "approvals_required": 1,
    "pending_hours": 24,
    "retention_days": 30,
    "maintenance_url_variable": "",
    "maintenance_seconds_limit": 3600,
    "maintenance_lock_seconds_limit": 60,
    "script_modules": "",
    "default_bound": 10000,
    "places": 8,
    "bound_tolerance": 10,
    "undo_rows": 10000,
    "undo_bytes": 16000000,
    "rehearsals": "on_request",
    "rehearsal_seconds": 10,
    "rehearsal_lock_seconds": 1,
    "rehearsal_rows": 20,
    "rehearsal_minutes": 60,
    "personal_columns": "",
    "large_table_rows": 100000,
    "active": "on",
}


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create(username="boss", role=Role.ADMIN)


@pytest.fixture
def client(boss: User) -> Client:
    client = Client()
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    return client


def last(action: str) -> dict[str, object]:
    entry = AuditLog.objects.filter(action=action).first()
    assert entry is not None
    data: dict[str, object] = json.loads(entry.data)
    return data


def test_not_even_a_superuser_reads_or_revives_a_token(client: Client, boss: User) -> None:
    User.objects.filter(pk=boss.pk).update(is_superuser=True)
    for page in ("outstandingtoken/", "blacklistedtoken/", "blacklistedtoken/add/"):
        assert client.get(f"/admin/token_blacklist/{page}").status_code == 404


def test_a_filter_that_cannot_be_is_bad_input(client: Client) -> None:
    assert client.get("/admin/accounts/user/?role__exact=%00").status_code == 400


def test_the_admin_holds_people_pods_and_targets() -> None:
    assert set(admin.site._registry) == {User, Pod, Target}


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.MANAGER])
def test_staff_without_the_role_stays_outside(role: Role, db: None) -> None:
    user = User.objects.create(username="staff", role=role, is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "People, pods and targets are kept by admins." in answer.content.decode()


def test_admin_signs_in_on_the_portals_own_page(db: None) -> None:
    chain = Client().get("/admin/", follow=True).redirect_chain
    assert chain[-1][0].startswith("/accounts/login/")


@pytest.mark.parametrize("model", [QueryRequest, Decision, Execution, AuditLog, Group])
def test_what_nobody_may_edit_is_not_there(model: type) -> None:
    assert not admin.site.is_registered(model)


@pytest.mark.parametrize("model", ["accounts/user", "pods/pod", "pods/target"])
def test_lists_and_forms_open(model: str, client: Client) -> None:
    for page in ("", "add/"):
        assert client.get(f"/admin/{model}/{page}").status_code == 200


def test_new_pod_gets_groups_members_and_entries(client: Client) -> None:
    dev, manager = (
        User.objects.create(username=n, role=r) for n, r in (("dev", Role.DEVELOPER), ("man", Role.MANAGER))
    )
    body = {
        "name": "Payments",
        "slug": "payments",
        "active": "on",
        "managers_of_pod": [manager.pk],
        "developers_of_pod": [dev.pk],
    }
    assert client.post("/admin/pods/pod/add/", body).status_code == 302
    pod = Pod.objects.get()
    assert (pod.has_manager(manager), pod.has_manager(dev), pod.has_developer(dev)) == (True, False, True)
    assert last("pod.members_change")["changes"] == {"developers": {"added": ["dev"]}, "managers": {"added": ["man"]}}
    assert AuditLog.objects.filter(action="admin.add", subject_kind="pod", subject_id="payments").exists()


def test_removing_a_member_is_recorded_and_keeps_the_deactivated(client: Client) -> None:
    pod = create_pod(actor=SYSTEM, name="Payments", slug="payments")
    gone = User.objects.create(username="gone", is_active=False)
    here = User.objects.create(username="here")
    pod.developers.user_set.set([gone, here])
    client.post(f"/admin/pods/pod/{pod.pk}/change/", {"name": "Payments", "active": "on"})
    assert list(pod.developers.user_set.all()) == [gone]
    assert last("pod.members_change")["changes"] == {"developers": {"removed": ["here"]}, "managers": {}}


def test_target_says_which_variable_is_missing(client: Client) -> None:
    pod = create_pod(actor=SYSTEM, name="Payments", slug="payments")
    response = client.post("/admin/pods/target/add/", {**TARGET, "pod": pod.pk})
    assert response.status_code == 302
    assert "Missing: <code>NOBODY_SET_READ</code>" in client.get("/admin/pods/target/").content.decode()


def test_changed_limit_is_recorded_with_its_value(client: Client) -> None:
    pod = create_pod(actor=SYSTEM, name="Payments", slug="payments")
    client.post("/admin/pods/target/add/", {**TARGET, "pod": pod.pk})
    target = Target.objects.get()
    client.post(f"/admin/pods/target/{target.pk}/change/", {**TARGET, "seconds_limit": 99})
    assert last("admin.change")["values"] == {"seconds_limit": 99}


def test_password_is_set_and_its_value_is_nowhere(client: Client) -> None:
    user = User.objects.create(username="dev")
    body = {"password1": "a very long secret 1", "password2": "a very long secret 1", "usable_password": "true"}
    assert client.post(f"/admin/accounts/user/{user.pk}/password/", body).status_code == 302
    user.refresh_from_db()
    assert user.check_password("a very long secret 1")
    assert last("admin.change")["fields"] == ["password"]
    assert not AuditLog.objects.filter(data__contains="very long secret").exists()


def test_person_cannot_be_deleted_and_membership_is_not_edited_on_them(client: Client, boss: User) -> None:
    assert client.post(f"/admin/accounts/user/{boss.pk}/delete/", {"post": "yes"}).status_code == 403
    assert 'name="groups"' not in client.get(f"/admin/accounts/user/{boss.pk}/change/").content.decode()


def test_history_is_the_audit_log(client: Client, boss: User) -> None:
    assert client.get(f"/admin/accounts/user/{boss.pk}/history/")["Location"] == f"/audit/?subject={boss.pk}"

"""A pod's groups are the single source of who may do what where."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Group

from accounts.models import SYSTEM, User
from audit.models import AuditLog
from pods.membership import set_members
from pods.models import Pod

pytestmark = pytest.mark.django_db


def test_a_pod_has_two_groups_of_its_own(pod: Pod, other_pod: Pod) -> None:
    names = ["elsewhere: developers", "elsewhere: managers", "shop: developers", "shop: managers"]
    assert sorted(Group.objects.values_list("name", flat=True)) == names


@pytest.mark.parametrize(
    ("person", "submits", "reviews"),
    [("author", True, False), ("reviewer", True, True), ("outsider", False, False), ("admin", False, False)],
)
def test_what_members_may_do(
    person: str, submits: bool, reviews: bool, pod: Pod, other_pod: Pod, request: pytest.FixtureRequest
) -> None:
    user: User = request.getfixturevalue(person)
    assert (pod.has_developer(user), pod.has_manager(user)) == (submits, reviews)


def test_the_role_is_the_ceiling(pod: Pod, author: User) -> None:
    author.groups.add(pod.managers)
    assert not pod.has_manager(author)
    assert author not in pod.reviewers()


def test_an_admin_reviews_only_where_they_are_a_manager(pod: Pod, admin: User) -> None:
    assert not pod.has_manager(admin)
    admin.groups.add(pod.managers)
    fresh = Pod.objects.get(pk=pod.pk)
    assert fresh.has_manager(User.objects.get(pk=admin.pk))


def test_a_deactivated_manager_reviews_nothing(pod: Pod, reviewer: User) -> None:
    reviewer.is_active = False
    reviewer.save()
    assert not pod.has_manager(reviewer)
    assert reviewer not in pod.reviewers()


def test_changing_members_records_who_came_and_went(pod: Pod, author: User, reviewer: User, outsider: User) -> None:
    set_members(actor=SYSTEM, pod=pod, developers=[outsider], managers=[reviewer])
    entry = AuditLog.objects.filter(action="pod.members_change").latest("seq")
    assert json.loads(entry.data)["changes"] == {
        "developers": {"added": ["outsider"], "removed": ["author"]},
        "managers": {"removed": ["second_reviewer"]},
    }


def test_no_change_leaves_no_entry(pod: Pod, author: User, reviewer: User, second_reviewer: User) -> None:
    before = AuditLog.objects.count()
    set_members(actor=SYSTEM, pod=pod, developers=[author], managers=[reviewer, second_reviewer])
    assert AuditLog.objects.count() == before

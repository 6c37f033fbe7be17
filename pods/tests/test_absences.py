"""Out of office: who may name whom, for which days, and what pages and API say of it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client as DjangoClient
from django.utils import timezone

from accounts.models import SYSTEM, Absence, Role, User
from audit.models import AuditLog
from pods.absences import come_back, deciders, go_away, stand_ins, uncovered
from pods.membership import create_pod, set_members
from pods.models import Pod
from portal.tests.people import Client, make_user
from web.errors import BadInput, NotAllowed, NotNow

pytestmark = pytest.mark.django_db


def day(number: int) -> dt.date:
    return timezone.now().astimezone(dt.UTC).date() + dt.timedelta(days=number)


def away(person: User, stand_in: User, *, first: int = 0, last: int = 3) -> Absence:
    return go_away(actor=person, stand_in=stand_in.username, first_day=day(first), last_day=day(last))


def page(client: DjangoClient, person: User) -> DjangoClient:
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_days_are_those_of_the_person(pod: Pod, reviewer: User, second_reviewer: User) -> None:
    reviewer.time_zone = "Pacific/Kiritimati"
    reviewer.save()
    absence = go_away(actor=reviewer, stand_in="second_reviewer", first_day=day(5), last_day=day(6))
    assert absence.begins_at.astimezone(dt.UTC).hour == 10
    assert absence.ends_at - absence.begins_at == dt.timedelta(days=2)
    assert (absence.first_day, absence.last_day, absence.holds) == (day(5), day(6), False)


@pytest.mark.parametrize(
    ("first", "last", "field", "code"),
    [
        (3, 2, "last_day", "before_first_day"),
        (-4, -2, "last_day", "passed"),
        (0, 400, "last_day", "too_long"),
        (700, 800, "first_day", "too_far"),
        (-400, 2, "first_day", "too_far"),
    ],
)
def test_days_that_cannot_be(
    first: int, last: int, field: str, code: str, pod: Pod, reviewer: User, second_reviewer: User
) -> None:
    with pytest.raises(BadInput) as refused:
        away(reviewer, second_reviewer, first=first, last=last)
    assert [(name, error[0].code) for name, error in refused.value.fields.items()] == [(field, code)]


@pytest.mark.parametrize("named", ["author", "outsider", "reviewer", "nobody", "gone", "demoted", ""])
def test_stand_in_is_another_manager_of_the_same_pod(
    named: str, pod: Pod, other_pod: Pod, author: User, reviewer: User
) -> None:
    gone, demoted = make_user("gone", Role.MANAGER, is_active=False), make_user("demoted", Role.DEVELOPER)
    pod.managers.user_set.add(gone, demoted)
    with pytest.raises(BadInput) as refused:
        go_away(actor=reviewer, stand_in=named, first_day=day(0), last_day=day(1))
    assert set(refused.value.fields) == {"stand_in"}
    assert named not in stand_ins(reviewer).values_list("username", flat=True)


def test_who_is_away_then_cannot_stand_in(pod: Pod, reviewer: User, second_reviewer: User) -> None:
    away(second_reviewer, reviewer, first=2, last=4)
    with pytest.raises(BadInput) as refused:
        away(reviewer, second_reviewer, first=4, last=6)
    assert refused.value.fields["stand_in"][0].code == "away"
    assert not away(reviewer, second_reviewer, first=5, last=6).holds


def test_who_decides_nowhere_has_no_stand_in(pod: Pod, author: User, reviewer: User) -> None:
    with pytest.raises(NotAllowed):
        away(author, reviewer)


def test_it_is_audited_with_days_and_name(pod: Pod, reviewer: User, second_reviewer: User) -> None:
    absence = away(reviewer, second_reviewer)
    come_back(actor=reviewer)
    entries = list(AuditLog.objects.filter(action__in=("user.away", "user.back")).order_by("seq"))
    assert [entry.action for entry in entries] == ["user.away", "user.back"]
    for entry in entries:
        assert (entry.actor_label, entry.subject_id) == (reviewer.label, str(reviewer.pk))
        assert '"stand_in":"second_reviewer"' in entry.data
        assert absence.ends_at.astimezone(dt.UTC).isoformat() in entry.data
    with pytest.raises(NotNow):
        come_back(actor=reviewer)


def test_deciders_say_who_is_away_and_who_stands_in(pod: Pod, reviewer: User, second_reviewer: User) -> None:
    away(reviewer, second_reviewer)
    known = {found.person.username: (found.away_until, found.stand_in) for found in deciders(pod)}
    assert known == {"reviewer": (day(3), second_reviewer), "second_reviewer": (None, None)}
    # Whoever may not decide on this request stands in for nobody there.
    (alone,) = deciders(pod, beside=second_reviewer.pk)
    assert (alone.away_until, alone.stand_in) == (day(3), None)


@pytest.mark.parametrize("over", ["to come", "past"])
def test_an_absence_that_does_not_hold_is_not_told(over: str, pod: Pod, reviewer: User, second_reviewer: User) -> None:
    away(reviewer, second_reviewer, first=1)
    if over == "past":
        now = timezone.now()
        Absence.objects.update(begins_at=now - dt.timedelta(days=2), ends_at=now - dt.timedelta(seconds=1))
    assert all(found.away_until is None for found in deciders(pod))


def test_a_stand_in_who_left_the_pod_is_not_named(pod: Pod, reviewer: User, second_reviewer: User) -> None:
    away(reviewer, second_reviewer)
    pod.managers.user_set.remove(second_reviewer)
    assert [(found.away_until, found.stand_in) for found in deciders(pod)] == [(day(3), None)]


def test_pods_without_the_stand_in_are_told(pod: Pod, reviewer: User, second_reviewer: User) -> None:
    ledger = create_pod(actor=SYSTEM, name="Ledger", slug="ledger")
    set_members(actor=SYSTEM, pod=ledger, developers=[], managers=[reviewer])
    assert uncovered(reviewer, second_reviewer) == [ledger]


def test_page_takes_it_shows_it_and_ends_it(
    client: DjangoClient, pod: Pod, reviewer: User, second_reviewer: User
) -> None:
    browser = page(client, reviewer)
    sent = {"first_day": day(0), "last_day": day(3), "stand_in": "second_reviewer"}
    assert browser.post("/accounts/absence/", sent)["Location"] == "/accounts/absence/"
    shown = browser.get("/accounts/absence/").content.decode()
    assert "You are out of office" in shown
    assert str(day(3)) in shown
    assert "second_reviewer stands in" in " ".join(browser.get("/").content.decode().split()).replace(
        '<bdi class="person">', ""
    ).replace("</bdi>", "")
    assert "You stand in for" in page(client, second_reviewer).get("/accounts/absence/").content.decode()
    assert page(client, reviewer).post("/accounts/absence/end/", follow=True).status_code == 200
    assert not Absence.objects.exists()


def test_only_manager_is_told_instead_of_a_form_without_names(
    client: DjangoClient, pod: Pod, reviewer: User, second_reviewer: User
) -> None:
    assert 'name="stand_in"' in page(client, reviewer).get("/accounts/absence/").content.decode()
    User.objects.filter(pk=second_reviewer.pk).update(is_active=False)
    shown = page(client, reviewer).get("/accounts/absence/").content.decode()
    assert "no pod of yours has another manager. An admin adds one." in " ".join(shown.split())
    assert 'name="stand_in"' not in shown


def test_page_says_at_the_field_what_is_wrong(client: DjangoClient, pod: Pod, reviewer: User) -> None:
    sent = {"first_day": day(0), "last_day": "soon", "stand_in": "author"}
    answer = page(client, reviewer).post("/accounts/absence/", sent)
    assert answer.status_code == 400
    sent["last_day"] = str(day(1))
    answer = page(client, reviewer).post("/accounts/absence/", sent)
    assert (answer.status_code, "Name another manager" in answer.content.decode()) == (400, True)


def test_api_sets_tells_and_ends_it(api: Client, pod: Pod, reviewer: User, second_reviewer: User) -> None:
    client = api(reviewer)
    assert client.get("/api/v1/me/absence/").json() == {"absence": None}
    body = {"first_day": str(day(0)), "last_day": str(day(2)), "stand_in": "second_reviewer"}
    answer = client.put("/api/v1/me/absence/", body, format="json")
    assert answer.status_code == 200, answer.json()
    told = client.get("/api/v1/me/absence/").json()["absence"]
    assert told == answer.json()["absence"]
    assert {**told, **body, "holds": True} == told
    assert client.delete("/api/v1/me/absence/").json() == {"absence": None}
    assert client.delete("/api/v1/me/absence/").status_code == 409


@pytest.mark.parametrize("bad", ["2026-13-01", "tomorrow", "", 20261126, None, "2026-1-1\0"])
def test_api_refuses_what_is_no_day(bad: object, api: Client, pod: Pod, reviewer: User) -> None:
    body = {"first_day": bad, "last_day": str(day(2)), "stand_in": "second_reviewer"}
    answer = api(reviewer).put("/api/v1/me/absence/", body, format="json")
    assert answer.status_code == 400
    assert "first_day" in answer.json()["error"]["fields"]

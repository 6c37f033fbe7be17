"""Out of office: who stands in for whom, and on which pods that helps."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Absence, Role, User
from audit import log
from pods.models import Pod
from web.errors import BadInput, FieldError, NotAllowed, NotNow

LONGEST_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class Decider:
    """Somebody who may decide; while they are away the day that ends with, and who stands in on this pod, if one is
    named who may decide there."""

    person: User
    away_until: dt.date | None = None
    stand_in: User | None = None


def deciders(pod: Pod, *, beside: int | None = None) -> list[Decider]:
    """Who may decide on a pod's requests, by name; `beside` is the key of somebody who may not, its author."""
    people = pod.reviewers().order_by("first_name", "username")
    return with_absences(people if beside is None else people.exclude(pk=beside))


def with_absences(people: QuerySet[User]) -> list[Decider]:
    """The people of one pod, who is away of them and which of them stands in."""
    found = list(people.select_related("absence__stand_in"))
    reviewing = [person for person in found if person.may_review_somewhere]
    return [_decider(person, reviewing) for person in found]


def _decider(person: User, reviewing: list[User]) -> Decider:
    absence: Absence | None = getattr(person, "absence", None)
    if absence is None or not absence.holds:
        return Decider(person)
    return Decider(person, absence.last_day, absence.stand_in if absence.stand_in in reviewing else None)


def stand_ins(person: User) -> QuerySet[User]:
    """Who may be named: the other managers of the pods that the person manages."""
    groups = Pod.objects.reviewed_by(person).values("managers")
    managers = User.objects.filter(groups__in=groups, is_active=True, role__in=(Role.MANAGER, Role.ADMIN))
    return managers.exclude(pk=person.pk).distinct().order_by("first_name", "last_name", "username")


def uncovered(person: User, stand_in: User) -> list[Pod]:
    """The person's pods in which the stand-in may not decide."""
    return list(Pod.objects.reviewed_by(person).exclude(pk__in=Pod.objects.reviewed_by(stand_in).values("pk")))


def absence_of(person: User) -> Absence | None:
    """The absence that holds or is to come."""
    return Absence.objects.not_over().filter(person=person).select_related("person", "stand_in").first()


@transaction.atomic
def go_away(*, actor: User, stand_in: str, first_day: dt.date, last_day: dt.date) -> Absence:
    """Be out of office from the first day to the last, in one's own time zone, and name the stand-in's user name.

    It takes the place of an earlier one. Raises NotAllowed for who decides nowhere, BadInput.
    """
    if not Pod.objects.reviewed_by(actor).exists():
        raise NotAllowed("Only a manager of a pod has a stand-in. You decide on no requests.")
    begins, ends = _span(actor, first_day, last_day)
    other = _named(actor, stand_in, begins, ends)
    values = {"stand_in": other, "begins_at": begins, "ends_at": ends}
    absence, _ = Absence.objects.update_or_create(person=actor, defaults=values)
    log.append(log.Action.AWAY, actor=actor, subject=_subject(actor), data=_told(absence))
    return absence


@transaction.atomic
def come_back(*, actor: User) -> None:
    """End one's absence, or drop one that is to come. Raises NotNow where there is none."""
    absence = Absence.objects.select_for_update(of=("self",)).not_over().filter(person=actor).first()
    if absence is None:
        raise NotNow("You are not out of office.", code="not_away")
    data = _told(absence)
    absence.delete()
    log.append(log.Action.BACK, actor=actor, subject=_subject(actor), data=data)


def _span(person: User, first_day: dt.date, last_day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """From the start of the first day to the end of the last, where the person is."""
    today = timezone.now().astimezone(person.zone).date()
    if last_day < first_day:
        raise BadInput({"last_day": [FieldError("The last day is before the first.", "before_first_day")]})
    if last_day < today:
        raise BadInput({"last_day": [FieldError("The last day has passed.", "passed")]})
    if first_day < today - dt.timedelta(days=LONGEST_DAYS) or last_day > today + dt.timedelta(days=2 * LONGEST_DAYS):
        raise BadInput({"first_day": [FieldError("Give days of these two years.", "too_far")]})
    if last_day - first_day >= dt.timedelta(days=LONGEST_DAYS):
        message = f"That is more than {LONGEST_DAYS} days. An admin can deactivate an account instead."
        raise BadInput({"last_day": [FieldError(message, "too_long")]})
    midnight = dt.time(tzinfo=person.zone)
    return dt.datetime.combine(first_day, midnight), dt.datetime.combine(last_day + dt.timedelta(days=1), midnight)


def _named(person: User, username: str, begins: dt.datetime, ends: dt.datetime) -> User:
    if username == person.username:
        raise BadInput({"stand_in": [FieldError("Name somebody else than yourself.", "self")]})
    other = stand_ins(person).filter(username=username).first()
    if other is None:
        message = "Name another manager of a pod that you manage, by their user name."
        raise BadInput({"stand_in": [FieldError(message, "no_manager")]})
    if Absence.objects.filter(person=other, begins_at__lt=ends, ends_at__gt=begins).exists():
        raise BadInput({"stand_in": [FieldError(f"{other.label} is out of office in these days, too.", "away")]})
    return other


def _told(absence: Absence) -> Mapping[str, object]:
    return {
        "stand_in": absence.stand_in.username,
        "begins_at": absence.begins_at.astimezone(dt.UTC).isoformat(),
        "ends_at": absence.ends_at.astimezone(dt.UTC).isoformat(),
    }


def _subject(person: User) -> log.Subject:
    return log.Subject("user", str(person.pk), person.label)

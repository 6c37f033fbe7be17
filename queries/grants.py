"""What was approved in advance: who may give it and for what, when it has ended, and whether it lets a person run now.

Every answer is asked anew of what is stored, under the lock of the template's row (`queries.services.templates`): a
grant is withdrawn, a template changed and a run counted one after the other, on any number of replicas.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.db import connection

from accounts.models import User
from executors.base import Access, Analysis, EngineKind, Language, Verified
from pods.logins import login_mark, target_mark
from pods.models import Pod
from queries import policies
from queries.models import Ended, Grant, QueryRequest, Template, TemplateVersion

# What the reading of a statement must have verified of all of it, beside that nothing in it is refused.
READS_ONLY: Final[Mapping[EngineKind, frozenset[Verified]]] = {
    EngineKind.POSTGRESQL: frozenset({Verified.ALLOWED_KIND, Verified.ONLY_READS, Verified.NO_OUTSIDE_FUNCTIONS}),
    EngineKind.MONGODB: frozenset(
        {Verified.ALLOWED_KIND, Verified.ONLY_READS, Verified.NO_SERVER_JAVASCRIPT, Verified.ONE_DATABASE}
    ),
}
# How a membership is told from a later one of the same person: each has an entry of its own.
MEMBERSHIP = "SELECT min(id) FROM users_groups WHERE user_id = %s AND group_id = ANY(%s)"
TODAY = "SELECT (statement_timestamp() AT TIME ZONE 'UTC')::date"
USED = """
SELECT today, count(used.query_id), count(used.query_id) FILTER (WHERE used.person_id = %s)
FROM (SELECT (statement_timestamp() AT TIME ZONE 'UTC')::date AS today) AS clock
LEFT JOIN template_uses AS used ON used.grant_id = %s AND used.day = today GROUP BY today
"""


@dataclass(frozen=True, slots=True)
class Used:
    """How often a grant let somebody run `today`, the day of UTC by the database's clock: in all, and this person."""

    today: dt.date
    in_all: int
    by_person: int


def reads_only(version: TemplateVersion, analysis: Analysis) -> bool:
    """Whether reading the statement verified, of all of it, that it only reads: not that nothing else was found."""
    needed = READS_ONLY[EngineKind(version.engine)]
    if version.language == Language.SCRIPT:
        needed |= {Verified.STATEMENTS_WRITTEN_OUT}
    return analysis.valid and analysis.access is Access.READ and needed <= set(analysis.verified)


def cannot_grant(actor: User, pod: Pod) -> str:
    """Why this person may not approve a template of the pod in advance, nor take that back; "" when they may."""
    if not actor.is_active:
        return policies.DEACTIVATED
    return "" if pod.has_manager(actor) else f"Only managers of {pod.name} approve in advance."


def cannot_change(actor: User, template: Template) -> str:
    """Why this person may not change or retire a template: it is for its owner, and for the pod's managers."""
    if not policies.can_submit(actor, template.pod):
        return f"Only those who may ask for something in {template.pod.name} can change its templates."
    if template.owner_id == actor.pk or template.pod.has_manager(actor):
        return ""
    return f"Only its owner or a manager of {template.pod.name} can change this template."


def membership(person: User, groups: Iterable[int]) -> int | None:
    """The entry by which a person is in one of the groups; None where they are in none."""
    with connection.cursor() as cursor:
        cursor.execute(MEMBERSHIP, [person.pk, list(groups)])
        row = cursor.fetchone()
    return None if row is None else row[0]


def of_pod(pod: Pod) -> tuple[int, int]:
    """The keys of the groups of a pod's members."""
    return pod.developers_id, pod.managers_id


def today() -> dt.date:
    """The day of UTC by the database's clock, which all replicas share."""
    with connection.cursor() as cursor:
        cursor.execute(TODAY)
        day: dt.date = cursor.fetchone()[0]
    return day


def used(grant: Grant, person: User) -> Used:
    """What is counted of today: exactly, under the lock of the template."""
    with connection.cursor() as cursor:
        cursor.execute(USED, [person.pk, grant.pk])
        return Used(*cursor.fetchone())


def ended(grant: Grant) -> Ended | None:
    """Why a grant holds no longer, for anybody; None while it does."""
    if grant.ended:
        return Ended(grant.ended)
    return next((why for why, has_ended in _ENDS.items() if has_ended(grant)), None)


def _is_retired(grant: Grant) -> bool:
    return grant.template.retired_at is not None


def _is_changed(grant: Grant) -> bool:
    return grant.template.current_id != grant.version.pk or grant.version.digest != grant.digest


def _target_is_another(grant: Grant) -> bool:
    moved = grant.target.pod_id != grant.template.pod_id
    return moved or target_mark(grant.target, Access.READ) != grant.target_mark


def _login_is_another(grant: Grant) -> bool:
    """Whether the credential is of another login: not known where this process has none, which then runs nothing."""
    mark = login_mark(grant.target, Access.READ)
    return bool(mark) and mark != grant.login_mark


def _approver_has_gone(grant: Grant) -> bool:
    pod = grant.target.pod
    managed = pod.has_manager(grant.approver)
    return not managed or membership(grant.approver, [pod.managers_id]) != grant.approver_membership


def _is_over(grant: Grant) -> bool:
    return today() > grant.until


_ENDS: Final[Mapping[Ended, Callable[[Grant], bool]]] = {
    Ended.RETIRED: _is_retired,
    Ended.CHANGED: _is_changed,
    Ended.TARGET: _target_is_another,
    Ended.LOGIN: _login_is_another,
    Ended.APPROVER: _approver_has_gone,
    Ended.LAPSED: _is_over,
}


def not_for(grant: Grant, person: User) -> str:
    """Why a grant that holds lets this person run nothing, ever; "" when it does. Nobody approves their own."""
    if grant.approver_id == person.pk:
        return "You approved it in advance yourself; somebody else must decide on what you ask."
    if not policies.can_submit(person, grant.target.pod):
        return f"Only those who may ask for something in {grant.target.pod.name} may use it."
    if grant.for_everyone:
        return ""
    named = grant.people.filter(person=person).first()
    if named is None or named.membership != membership(person, of_pod(grant.target.pod)):
        return "It is approved in advance for others than you."
    return ""


def used_up(grant: Grant, counted: Used) -> str:
    """Why there is no run left today; "" when there is."""
    if counted.by_person >= grant.runs_a_person:
        return f"You have used all of your {grant.runs_a_person:,} runs of today (UTC)."
    if counted.in_all >= grant.runs_a_day:
        return f"All {grant.runs_a_day:,} runs of today (UTC) are used."
    return ""


def unlike(grant: Grant, query: QueryRequest, analysis: Analysis) -> str:
    """Why this very request is not what was approved in advance; "" when it is."""
    if not reads_only(grant.version, analysis):
        return "With these values the portal did not verify that it only reads."
    if sorted(analysis.tables) != sorted(grant.tables):
        return "With these values it reads something else than what was approved in advance."
    if query.approvals_needed != 1:
        return f"{grant.target.name} asks for more than one approval."
    obstacle = policies.obstacle(query)
    return obstacle.message if obstacle else ""

"""Approving a read template in advance for a target, and taking that back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from audit import log
from executors.base import Access
from pods.logins import login_mark, target_mark
from pods.models import Target
from queries import grants, policies
from queries.models import Ended, Grant, GrantedPerson, Template, TemplateVersion
from queries.services.comments import check_comment, said
from queries.services.parameters import Errors
from queries.services.templates import check_seen, end_grant, locked_template, noted, read_template, subject
from web.errors import BadInput, FieldError, NotAllowed, NotFound, NotNow

NOT_READ = (
    "It cannot be approved in advance: the portal did not verify, of all of it, that it only reads. Each of its "
    "requests is decided on by itself."
)
MOST_RUNS = 10_000
MOST_DAYS = 366
MOST_PEOPLE = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """What is approved in advance: on which target (a slug), up to and with which day of UTC, how many runs a day, in
    all and for each person, and for whom: user names, or all developers of the pod."""

    target: str
    until: dt.date
    runs_a_day: int
    runs_a_person: int
    people: tuple[str, ...] | None = None
    comment: str = ""


def grant(*, actor: User, template_id: int, digest: str, terms: Terms) -> Grant:
    """Approve the version that was seen; one that stands for the same target ends with it.

    Raises NotAllowed, BadInput, and NotNow where the template is another by now, is no read, or where the portal did
    not verify of all of it that it only reads.
    """
    with noted("grant", actor=actor, template_id=template_id):
        return _grant(actor, template_id, digest, terms)


def _grant(actor: User, template_id: int, digest: str, terms: Terms) -> Grant:
    template = Template.objects.select_related("pod", "current").get(pk=template_id)
    _allow(actor, template)
    check_seen(template, digest)
    target = _target(template.now, terms.target)
    _require_read(template.now)
    tables = _verified(template.now, target)
    with transaction.atomic():
        template = locked_template(template_id)
        _allow(actor, template)
        check_seen(template, digest)
        target = _target(template.now, terms.target)
        membership = grants.membership(actor, [template.pod.managers_id])
        if membership is None:
            raise NotAllowed(f"Only managers of {template.pod.name} approve in advance.")
        people = _checked(actor, target, terms)
        for standing in template.grants.standing().filter(target=target):
            end_grant(standing, Ended.REPLACED, actor)
        made = Grant(
            template=template,
            version=template.now,
            access=template.now.access,
            digest=template.now.digest,
            target=target,
            target_mark=target_mark(target, Access.READ),
            login_mark=login_mark(target, Access.READ),
            tables=tables,
            approver=actor,
            approver_membership=membership,
            comment=terms.comment.strip(),
            runs_a_day=terms.runs_a_day,
            runs_a_person=terms.runs_a_person,
            until=terms.until,
            for_everyone=terms.people is None,
        )
        made.save(force_insert=True)
        named = [GrantedPerson(grant=made, person=person, membership=entry) for person, entry in people]
        GrantedPerson.objects.bulk_create(named)
        log.append(log.Action.TEMPLATE_GRANT, actor=actor, subject=subject(template), data=_data(made, terms))
    return made


def withdraw_grant(*, actor: User, template_id: int, target: str) -> Template:
    """Take an approval in advance back: no run begins on it once this has returned. Raises NotAllowed and NotFound."""
    with noted("withdraw", actor=actor, template_id=template_id), transaction.atomic():
        template = locked_template(template_id)
        _allow(actor, template)
        standing = template.grants.standing().filter(target__slug=target.replace("\0", "")).first()
        if standing is None:
            raise NotFound("There is no approval in advance for this target.")
        end_grant(standing, Ended.WITHDRAWN, actor)
    return template


def _allow(actor: User, template: Template) -> None:
    reason = grants.cannot_grant(actor, template.pod)
    if reason:
        raise NotAllowed(reason)
    if not template.pod.active:
        raise NotNow(f"The pod {template.pod.name} is inactive: it decides on nothing.", code="pod_inactive")


def _require_read(version: TemplateVersion) -> None:
    if version.access != Access.READ:
        raise NotNow("Only reads are approved in advance.", code="not_a_read")


def _target(version: TemplateVersion, slug: str) -> Target:
    found = version.targets.select_related("pod").filter(slug=slug.replace("\0", ""), active=True).first()
    if found is None or found.pod_id != version.template.pod_id:
        raise BadInput({"target": [FieldError("The template is for no such target.", "unknown_target")]})
    if found.approvals_required != 1:
        message = f"{found.name} asks for {found.approvals_required} approvals: one in advance is not enough."
        raise BadInput({"target": [FieldError(message, "approvals")]})
    if not found.offers(Access.READ):
        message = f"{found.name} cannot be reached now: its credential is not set."
        raise BadInput({"target": [FieldError(message, "credential_missing")]})
    return found


def _verified(version: TemplateVersion, target: Target) -> list[str]:
    """The tables that a version reads. Raises NotNow unless the portal verified of all of it that it only reads."""
    analysis = read_template(version, target)
    if not grants.reads_only(version, analysis):
        raise NotNow(NOT_READ, code="not_only_reads")
    return list(analysis.tables)


def _checked(actor: User, target: Target, terms: Terms) -> list[tuple[User, int]]:
    """The people it names, each with the entry of their membership. Raises BadInput with everything that is wrong."""
    check_comment(terms.comment)
    errors: Errors = {}
    for name, number, most in (
        ("runs_a_day", terms.runs_a_day, MOST_RUNS),
        ("runs_a_person", terms.runs_a_person, terms.runs_a_day),
    ):
        if not 1 <= number <= min(most, MOST_RUNS):
            errors[name] = [FieldError(f"Send a whole number from 1 to {min(max(most, 1), MOST_RUNS):,}.", "range")]
    day = grants.today()
    if not day <= terms.until <= day + dt.timedelta(days=MOST_DAYS):
        errors["until"] = [FieldError(f"Choose a day from today (UTC) to {MOST_DAYS} days from now.", "out_of_range")]
    people = [] if terms.people is None else _people(actor, target, terms.people, errors)
    if errors:
        raise BadInput(errors)
    return people


def _people(actor: User, target: Target, names: tuple[str, ...], errors: Errors) -> list[tuple[User, int]]:
    wanted = list(dict.fromkeys(name.replace("\0", "") for name in names))
    if not wanted or len(wanted) > MOST_PEOPLE:
        errors["people"] = [FieldError(f"Name people, from one to {MOST_PEOPLE}.", "required")]
        return []
    found = []
    for person in User.objects.filter(username__in=wanted, is_active=True).order_by("pk"):
        entry = grants.membership(person, grants.of_pod(target.pod))
        if entry is not None and person.pk != actor.pk and policies.can_submit(person, target.pod):
            found.append((person, entry))
    missing = [name for name in wanted if name not in {person.username for person, _ in found}]
    if missing:
        message = f"Nobody in {target.pod.name} but you is called {missing[0][:60]}; your own is decided by others."
        errors["people"] = [FieldError(message, "unknown_person")]
    return found


def _data(made: Grant, terms: Terms) -> dict[str, object]:
    facts: dict[str, object] = {
        "grant": str(made.public_id),
        "version": made.version.number,
        "digest": made.digest,
        "target": made.target.slug,
        "identity": {name: fact for name, fact in made.target.identity(Access.READ).items() if name != "variable"},
        "until": made.until.isoformat(),
        "runs_a_day": made.runs_a_day,
        "runs_a_person": made.runs_a_person,
        "people": None if terms.people is None else sorted(dict.fromkeys(terms.people)),
    }
    return facts | said(terms.comment)

"""`manage.py seed_demo`: people, pods, targets and sample requests for `make demo`. Safe to run again."""

import os
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import SYSTEM, Role, User
from audit import log
from executors.base import EngineKind
from pods import membership
from pods.models import Environment, Pod, Target
from queries import services
from queries.management.demo_samples import OPERATIONS, RESEARCH, Sample
from queries.management.demo_templates import TEMPLATES, Kept
from queries.models import Grant, QueryRequest, Template, TemplateUse
from web.errors import BadInput, PortalError

# user name: first name, last name, and what sets them apart
PEOPLE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "developer": ("Dara", "Singh", {"role": Role.DEVELOPER}),
    "manager": ("Mina", "Cole", {"role": Role.MANAGER}),
    "developer2": ("Ravi", "Haas", {"role": Role.DEVELOPER}),
    "manager2": ("Noor", "Beck", {"role": Role.MANAGER}),
    "manager3": ("Ines", "Falk", {"role": Role.MANAGER}),
    "auditor": ("Otto", "Lind", {"role": Role.DEVELOPER, "can_read_audit": True}),
    "admin": ("Ada", "Reyes", {"role": Role.ADMIN, "is_staff": True, "is_superuser": True}),
}
# Nobody decides on what they asked for themselves, an undo too: so each pod has a second manager, this one.
SECOND_MANAGER = "manager3"
PODS = {"operations": ("Operations", "developer", "manager"), "research": ("Research", "developer2", "manager2")}
FLIGHTS: dict[str, Any] = {
    "name": "Flights",
    "engine": EngineKind.POSTGRESQL,
    "read_url_variable": "FLIGHTS_READ_URL",
    "write_url_variable": "FLIGHTS_WRITE_URL",
}
GRANTED_DAYS = 90
MAINTENANCE: dict[str, Any] = {"allow_maintenance": True, "maintenance_url_variable": "FLIGHTS_MAINTENANCE_URL"}
WORLD: dict[str, Any] = {
    "name": "World",
    "engine": EngineKind.MONGODB,
    "read_url_variable": "WORLD_READ_URL",
    "write_url_variable": "WORLD_WRITE_URL",
    "search_path": "",
}


class Command(BaseCommand):
    """Fill an empty portal with the demo's people and their work."""

    help = "Create the demo's people, pods, targets and sample requests. DEMO_PASSWORD is everybody's password."

    def handle(self, *args: Any, **options: Any) -> None:
        """Create what is missing; a changed DEMO_PASSWORD changes everybody's."""
        password = os.environ.get("DEMO_PASSWORD")
        if not password:
            raise CommandError("DEMO_PASSWORD is not set.")
        _pods(_people(password))
        kept = MAINTENANCE if os.environ.get("FLIGHTS_MAINTENANCE_URL") else {}
        targets = [_target("operations", "flights", FLIGHTS | kept)]
        if os.environ.get("WORLD_READ_URL"):
            targets.append(_target("research", "world", WORLD))
        samples = [(target, sample) for target in targets for sample in _samples_for(target)]
        for target, sample in samples:
            try:
                _play(target, sample)
            except PortalError as error:
                raise CommandError(_why(sample.reason, error)) from error
        for template in TEMPLATES:
            try:
                _keep(targets[0], template)
            except PortalError as error:
                raise CommandError(_why(template.name, error)) from error
        self.stdout.write(
            f"{len(PEOPLE)} people, {len(PODS)} pods, {len(targets)} targets, {len(samples)} new requests."
        )


def _why(what: str, error: PortalError) -> str:
    fields = error.fields if isinstance(error, BadInput) else {}
    said = [f"{name}: {problem.message}" for name, problems in fields.items() for problem in problems]
    first_line = what.partition("\n")[0]
    return (
        f"“{first_line}” could not be asked for: {' '.join(said) or error.message} The next start goes on from there."
    )


def _people(password: str) -> set[str]:
    """The people with this password; the user names of those who were not there before."""
    there = {user.username: user for user in User.objects.filter(username__in=PEOPLE)}
    if there.keys() == PEOPLE.keys() and there[next(iter(PEOPLE))].check_password(password):
        return set()
    with transaction.atomic():
        for username, (first_name, last_name, traits) in PEOPLE.items():
            person, created = User.objects.get_or_create(
                username=username, defaults={"first_name": first_name, "last_name": last_name, **traits}
            )
            person.set_password(password)
            person.save(update_fields=["password"])
            action = log.Action.ADMIN_ADD if created else log.Action.ADMIN_CHANGE
            log.append(action, actor=SYSTEM, subject=log.Subject("user", str(person.pk), person.label))
    return PEOPLE.keys() - there.keys()


def _pods(new: set[str]) -> None:
    """Create what is missing; a demo from before there was a second manager is given one."""
    for slug, (name, developer, manager) in PODS.items():
        pod = Pod.objects.filter(slug=slug).first()
        if pod is not None and SECOND_MANAGER not in new:
            continue
        pod = pod or membership.create_pod(actor=SYSTEM, name=name, slug=slug)
        developers, managers = (
            User.objects.filter(username__in=who) for who in ([developer], [manager, SECOND_MANAGER])
        )
        membership.set_members(actor=SYSTEM, pod=pod, developers=developers, managers=managers)


@transaction.atomic
def _target(pod: str, slug: str, fields: dict[str, Any]) -> Target:
    target, created = Target.objects.get_or_create(
        slug=slug,
        defaults={
            "pod": Pod.objects.get(slug=pod),
            "environment": Environment.PRODUCTION,
            "allow_scripts": True,
            "script_modules": ["date-fns", "lodash"],
            **fields,
        },
    )
    if created:
        target.full_clean()
        log.append(log.Action.ADMIN_ADD, actor=SYSTEM, subject=log.Subject("target", slug, target.name))
    return target


def _samples_for(target: Target) -> list[Sample]:
    """The target's samples that are not there yet."""
    there = set(QueryRequest.objects.filter(target=target).values_list("reason", flat=True))
    samples = OPERATIONS if target.slug == "flights" else RESEARCH
    return [sample for sample in samples if sample.reason not in there and target.offers(sample.access)]


def _play(target: Target, sample: Sample) -> None:
    """Submit a sample and take it where it should end, as its people would."""
    _, developer, manager = PODS[sample.pod]
    author, reviewer = User.objects.get(username=developer), User.objects.get(username=manager)
    query = services.submit(actor=author, draft=sample.draft(target.slug))
    match sample.then:
        case "approve":
            services.approve(actor=reviewer, query_id=query.pk, digest=query.digest, comment=sample.comment)
        case "reject":
            services.reject(actor=reviewer, query_id=query.pk, digest=query.digest, comment=sample.comment)
        case "rehearse":
            services.rehearse(actor=reviewer, query_id=query.pk, digest=query.digest)
        case "withdraw":
            services.withdraw(actor=author, query_id=query.pk, comment=sample.comment)
        case "":
            pass


def _keep(target: Target, kept: Kept) -> None:
    """Keep a template, approve it in advance and ask with it, as far as that was not done before."""
    _, developer, manager = PODS["operations"]
    author, reviewer = User.objects.get(username=developer), User.objects.get(username=manager)
    template = Template.objects.filter(pod=target.pod, name=kept.name).first()
    template = template or services.create_template(actor=author, draft=kept.draft())
    digest = template.now.digest
    if template.retired_at is not None or not kept.in_advance:
        return
    if not Grant.objects.filter(template=template).exists():
        until = timezone.now().date() + timedelta(days=GRANTED_DAYS)
        terms = services.Terms(target.slug, until, runs_a_day=20, runs_a_person=5, comment=kept.in_advance)
        services.grant(actor=reviewer, template_id=template.pk, digest=digest, terms=terms)
    if not TemplateUse.objects.filter(version__template=template).exists():
        asked = services.Asked(digest=digest, target=target.slug, values=kept.asked_for, reason=kept.reason)
        services.ask(actor=author, template_id=template.pk, asked=asked)

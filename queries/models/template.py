"""Statements that a pod keeps, their versions, what was approved of them in advance, and the requests made of them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from accounts.models import User
from executors.base import Access, EngineKind, Language
from pods.models import Pod, Target
from queries.digest import digest, template_form
from queries.models.request import QueryRequest

NAME_LENGTH = 80
DESCRIPTION_LENGTH = 4000
DIGEST_LENGTH = 64


class TemplateQuerySet(models.QuerySet["Template"]):
    """Templates, scoped to a reader."""

    def visible_to(self, user: User) -> TemplateQuerySet:
        """Those of pods the reader may know of."""
        return self.filter(pod__in=Pod.objects.visible_to(user))

    def usable_by(self, user: User) -> TemplateQuerySet:
        """Those in use, of pods the person may ask in, for a target they may ask for."""
        usable = TemplateVersion.objects.filter(targets__in=Target.objects.usable_by(user))
        return self.in_use().filter(current__in=usable)

    def in_use(self) -> TemplateQuerySet:
        """Those that nobody retired."""
        return self.filter(retired_at=None)

    def search_for(self, words: str) -> TemplateQuerySet:
        """Those with every word in the name, the description or the statement."""
        found = self
        for word in words.replace("\0", "").split():
            within = ("name", "current__description", "current__statement")
            match = Q()
            for field in within:
                match |= Q(**{f"{field}__icontains": word})
            found = found.filter(match)
        return found

    def as_rows(self) -> TemplateQuerySet:
        """With what a row of a list shows, by name."""
        found = self.select_related("pod", "owner", "current").prefetch_related("current__targets")
        return found.order_by(Lower("name"), "pk")


class Template(models.Model):
    """A statement that a pod keeps. What it says is its current version's; earlier ones stay."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    pod = models.ForeignKey(Pod, on_delete=models.PROTECT, related_name="templates", editable=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    name = models.CharField(max_length=NAME_LENGTH, editable=False)
    current = models.OneToOneField(
        "TemplateVersion", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    retired_at = models.DateTimeField(null=True, editable=False)
    retired_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = TemplateQuerySet.as_manager()

    if TYPE_CHECKING:
        pod_id: int
        owner_id: int
        current_id: int | None

    class Meta:
        db_table = "templates"
        ordering = ("pk",)
        default_permissions = ()
        constraints = (
            models.UniqueConstraint("pod", Lower("name"), condition=Q(retired_at=None), name="template_name_once"),
            models.CheckConstraint(
                condition=Q(retired_at=None, retired_by=None) | Q(retired_at__isnull=False, retired_by__isnull=False),
                name="template_retired_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def now(self) -> TemplateVersion:
        """What it says now."""
        if self.current is None:
            raise RuntimeError("A template is stored together with its first version.")
        return self.current


class TemplateVersion(models.Model):
    """What a template said from one change to the next. Nothing of it is ever changed.

    `parameters` are `{name, type, of?, usual?}` in their order: `usual` is the value that a form begins with, in its
    exact text, as `executors.base.parameters.to_json` writes one.
    """

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="versions", editable=False)
    number = models.PositiveIntegerField(editable=False)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    at = models.DateTimeField(db_default=Now(), editable=False)
    description = models.TextField(editable=False)
    engine = models.CharField(max_length=12, choices=[(x.value, x.value) for x in EngineKind], editable=False)
    language = models.CharField(max_length=6, choices=[(x.value, x.value) for x in Language], editable=False)
    access = models.CharField(max_length=11, choices=[(x.value, x.value) for x in Access], editable=False)
    statement = models.TextField(editable=False)
    parameters = models.JSONField(default=list, editable=False)
    targets = models.ManyToManyField(Target, related_name="template_versions", editable=False)
    digest = models.CharField(max_length=DIGEST_LENGTH, editable=False)

    if TYPE_CHECKING:
        template_id: int

    class Meta:
        db_table = "template_versions"
        ordering = ("-number",)
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["template", "number"], name="template_version_once"),
            models.UniqueConstraint(fields=["id", "access"], name="template_version_and_access"),
        )

    def __str__(self) -> str:
        return f"{self.template_id} version {self.number}"

    def digest_of(self, targets: list[Target]) -> str:
        """The digest of what it says, for the targets that it is for."""
        form = template_form(
            language=self.language,
            statement=self.statement,
            parameters=self.parameters,
            access=self.access,
            engine=self.engine,
            targets=[target.slug for target in targets],
        )
        return digest(form)


class Ended(models.TextChoices):
    """Why an approval in advance holds no longer."""

    WITHDRAWN = "withdrawn", "It was withdrawn."
    REPLACED = "replaced", "Another one took its place."
    CHANGED = "changed", "The template was changed."
    RETIRED = "retired", "The template was retired."
    TARGET = "target", "Its target was changed."
    LOGIN = "login", "The login of its target was changed."
    APPROVER = "approver", "Who approved it is no longer a manager of the pod."
    LAPSED = "lapsed", "Its last day is over."


class GrantQuerySet(models.QuerySet["Grant"]):
    def standing(self) -> GrantQuerySet:
        """Those that nobody has ended yet; whether one holds is asked of `queries.grants`."""
        return self.filter(ended_at=None)

    def with_all(self) -> GrantQuerySet:
        """With what deciding on one needs."""
        return self.select_related("version", "approver", "target__pod", "template__pod", "ended_by")


class Grant(models.Model):
    """A version of a read template, approved in advance for one target by a manager: how often, until when, for whom.

    `target_mark` and `login_mark` are what its target and the login there were like when it was given,
    `approver_membership` the very entry that made its approver a manager of the pod.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="grants", editable=False)
    version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="grants", editable=False)
    # Repeated here (a foreign key of both columns, migration 0031) so that the constraint below can hold it to reads.
    access = models.CharField(max_length=11, default=Access.READ.value, editable=False)
    digest = models.CharField(max_length=DIGEST_LENGTH, editable=False)
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="grants", editable=False)
    target_mark = models.CharField(max_length=DIGEST_LENGTH, editable=False)
    login_mark = models.CharField(max_length=DIGEST_LENGTH, editable=False)
    # What the reading found that the statement touches; with values that make it touch something else, nothing runs.
    tables = models.JSONField(default=list, editable=False)
    approver = models.ForeignKey(User, on_delete=models.PROTECT, related_name="grants", editable=False)
    approver_membership = models.BigIntegerField(editable=False)
    comment = models.TextField(blank=True, editable=False)
    runs_a_day = models.PositiveIntegerField(editable=False)
    runs_a_person = models.PositiveIntegerField(editable=False)
    # The last day, of UTC.
    until = models.DateField(editable=False)
    # Whether all developers of the pod may use it; else those of `people`.
    for_everyone = models.BooleanField(editable=False)
    granted_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    ended = models.CharField(max_length=9, choices=Ended, blank=True, default="", editable=False)

    objects = GrantQuerySet.as_manager()

    if TYPE_CHECKING:
        template_id: int
        target_id: int
        approver_id: int

    class Meta:
        db_table = "template_grants"
        ordering = ("-pk",)
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=["template", "target"], condition=Q(ended_at=None), name="grant_once_per_target"
            ),
            models.CheckConstraint(condition=Q(access=Access.READ.value), name="grant_of_a_read"),
            models.CheckConstraint(
                condition=Q(runs_a_person__gte=1, runs_a_day__gte=models.F("runs_a_person")), name="grant_has_limits"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended="") | (Q(ended_at__isnull=False) & ~Q(ended="")),
                name="grant_ended_why",
            ),
        )

    def __str__(self) -> str:
        return str(self.public_id)


class GrantedPerson(models.Model):
    """Somebody whom a grant names; `membership` is the very entry by which they were in the pod then."""

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="people", editable=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", editable=False)
    membership = models.BigIntegerField(editable=False)

    class Meta:
        db_table = "template_grant_people"
        ordering = ("pk",)
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["grant", "person"], name="granted_once"),)

    def __str__(self) -> str:
        return f"{self.grant_id} {self.person_id}"


class TemplateUse(models.Model):
    """A request made of a template. With a `grant` it ran on that; without, `ordinary` says why where there was one."""

    query = models.OneToOneField(
        QueryRequest, primary_key=True, on_delete=models.PROTECT, related_name="template_use", editable=False
    )
    version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="uses", editable=False)
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    grant = models.ForeignKey(Grant, null=True, on_delete=models.PROTECT, related_name="uses", editable=False)
    # The day, of UTC and the database's clock, on which it counts.
    day = models.DateField(null=True, editable=False)
    ordinary = models.TextField(blank=True, default="", editable=False)

    if TYPE_CHECKING:
        grant_id: int | None

    class Meta:
        db_table = "template_uses"
        default_permissions = ()
        indexes = (models.Index(fields=["grant", "day", "person"], name="template_use_by_day"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(grant=None, day=None) | Q(grant__isnull=False, day__isnull=False, ordinary=""),
                name="template_use_counts_or_waits",
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk}"

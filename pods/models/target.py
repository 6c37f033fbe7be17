"""A target: what a pod may reach, and within which limits."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from accounts.models import User
from executors import registry
from executors.base import Access, EngineKind, KeepLimits, Language, Limits
from executors.base import Target as ExecutorTarget
from pods.models.pod import SUBMIT, Pod
from pods.names import require_visible

if TYPE_CHECKING:
    from collections.abc import Callable


class Environment(models.TextChoices):
    """What the data of a target is."""

    PRODUCTION = "production", "Production"
    STAGING = "staging", "Staging"
    DEVELOPMENT = "development", "Development"


VARIABLE_NAME = RegexValidator(
    r"\A[A-Z][A-Z0-9_]*\Z", "Write the name of an environment variable, such as ORDERS_READ_URL."
)
# What the portal itself is configured with: its database and its keys are never a target.
OWN_VARIABLES = "PORTAL_"
SCHEMA_NAME = re.compile(r"\A[^\x00-\x1f]{1,63}\Z")
SCRIPT_MODULES = ("date-fns", "decimal.js", "lodash", "zod")


class Rehearsals(models.TextChoices):
    """Whether writes are rehearsed."""

    NEVER = "never", "Never"
    ON_REQUEST = "on_request", "When a reviewer asks"
    REQUIRED = "required", "Required before a write may be approved"


class TargetQuerySet(models.QuerySet["Target"]):
    """Targets, scoped to a reader."""

    def usable_by(self, user: User) -> TargetQuerySet:
        """Active targets of active pods the user may submit for."""
        pods = Pod.objects.with_permission(user, SUBMIT).filter(active=True)
        return self.filter(active=True, pod__in=pods)

    def visible_to(self, user: User) -> TargetQuerySet:
        """Targets the user may know of."""
        return self.filter(pod__in=Pod.objects.visible_to(user))


class Target(models.Model):
    """One database a pod may reach: never a credential, only the names of the variables that hold one."""

    pod = models.ForeignKey(Pod, on_delete=models.PROTECT, related_name="targets")
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True, help_text="Used in addresses and by the API.")
    engine = models.CharField(
        max_length=12,
        choices=[(kind.value, product.name) for kind, product in registry.PRODUCTS.items()],
    )
    environment = models.CharField(max_length=12, choices=Environment, default=Environment.PRODUCTION)
    read_url_variable = models.CharField(
        max_length=100,
        validators=[VARIABLE_NAME],
        help_text="The environment variable that holds the URL of a login that may only read, such as ORDERS_READ_URL.",
    )
    write_url_variable = models.CharField(
        max_length=100,
        blank=True,
        validators=[VARIABLE_NAME],
        help_text="The same for a login that may write. Empty: this target takes no writes.",
    )
    search_path = models.CharField(
        max_length=400, blank=True, default="public", help_text="Schemas, separated by commas. PostgreSQL only."
    )
    seconds_limit = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(3600)], help_text="Seconds one run may take."
    )
    lock_seconds_limit = models.PositiveIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(600)],
        help_text="Seconds a run may wait for a lock.",
    )
    rows_limit = models.PositiveIntegerField(
        default=50_000,
        validators=[MinValueValidator(1), MaxValueValidator(10_000_000)],
        help_text="Rows kept of one result.",
    )
    bytes_limit = models.PositiveBigIntegerField(
        default=100_000_000,
        validators=[MinValueValidator(1000), MaxValueValidator(10_000_000_000)],
        help_text="Bytes kept of one result, before compression.",
    )
    places = models.PositiveSmallIntegerField(
        default=8,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        help_text="Runs at once with one login, over all replicas. Its CONNECTION LIMIT should be twice that and some.",
    )
    approvals_required = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(5)], help_text="How many managers must approve."
    )
    retention_days = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(3650)], help_text="Days a result is kept."
    )
    pending_hours = models.PositiveIntegerField(
        default=7 * 24,
        validators=[MinValueValidator(1), MaxValueValidator(8760)],
        help_text="Hours a request may wait before it expires.",
    )
    allow_maintenance = models.BooleanField(
        default=False,
        help_text="Whether what cannot run in a transaction may be run (CREATE INDEX CONCURRENTLY, VACUUM …): without "
        "bound, rehearsal and undo. PostgreSQL only.",
    )
    maintenance_url_variable = models.CharField(
        max_length=100,
        blank=True,
        validators=[VARIABLE_NAME],
        help_text="The environment variable that holds the URL of a login for maintenance, which owns the tables. "
        "Empty: the login that may write.",
    )
    maintenance_seconds_limit = models.PositiveIntegerField(
        default=3600,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
        help_text="Seconds one maintenance may take.",
    )
    maintenance_lock_seconds_limit = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text="Seconds it may wait for a lock, or for older transactions to end.",
    )
    allow_scripts = models.BooleanField(default=False, help_text="Whether JavaScript may be run against this target.")
    script_modules = ArrayField(
        models.CharField(max_length=40, choices=[(name, name) for name in SCRIPT_MODULES]),
        default=list,
        blank=True,
        help_text="Modules a script may require, separated by commas: " + ", ".join(SCRIPT_MODULES) + ".",
    )
    rehearsals = models.CharField(
        max_length=10,
        choices=Rehearsals,
        default=Rehearsals.ON_REQUEST,
        help_text="Whether a write may be run and rolled back, to see what it would change, before it is approved.",
    )
    rehearsal_seconds = models.PositiveIntegerField(
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(600)],
        help_text="Seconds a rehearsal may take; it holds its locks that long.",
    )
    rehearsal_lock_seconds = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(60)], help_text="Seconds it may wait for a lock."
    )
    rehearsal_rows = models.PositiveIntegerField(
        default=20, validators=[MaxValueValidator(200)], help_text="Rows of each table that a rehearsal shows."
    )
    rehearsal_minutes = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(10_080)],
        help_text="Minutes a rehearsal counts: an older one has to be made again.",
    )
    expects_required = models.BooleanField(
        default=False, help_text="Whether the author of a write has to say how many rows it should change."
    )
    default_bound = models.PositiveBigIntegerField(
        default=10_000,
        validators=[MaxValueValidator(10**12)],
        help_text="Rows a write may change when neither a rehearsal nor its author nor its reviewer says how many.",
    )
    bound_tolerance = models.PositiveIntegerField(
        default=10,
        validators=[MaxValueValidator(1000)],
        help_text="Percent more rows than rehearsed that a write may change.",
    )
    undo_rows = models.PositiveIntegerField(
        default=10_000,
        validators=[MaxValueValidator(100_000)],
        help_text="Rows of a write kept for its undo. A write that changes more has none; 0: no write has.",
    )
    undo_bytes = models.PositiveBigIntegerField(
        default=16_000_000,
        validators=[MinValueValidator(1000), MaxValueValidator(100_000_000)],
        help_text="Bytes of a write kept for its undo.",
    )
    personal_columns = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Columns with personal data, as table.column, separated by commas: masked in rehearsals.",
    )
    large_table_rows = models.PositiveBigIntegerField(
        default=100_000, help_text="From how many rows on a table counts as large: reading all of it is pointed out."
    )
    active = models.BooleanField(default=True)

    objects = TargetQuerySet.as_manager()

    class Meta:
        db_table = "targets"
        ordering = ("name",)

    if TYPE_CHECKING:
        pod_id: int
        get_engine_display: ClassVar[Callable[[], str]]
        get_environment_display: ClassVar[Callable[[], str]]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Reject a name in which something is hidden, and schema names PostgreSQL could not have."""
        require_visible(self.name)
        bad = [name for name in self.schemas if not SCHEMA_NAME.match(name) or name.startswith("pg_")]
        if bad:
            raise ValidationError({"search_path": f"Not a schema of the target's own: {', '.join(map(repr, bad))}."})
        if self.write_url_variable and self.write_url_variable == self.read_url_variable:
            raise ValidationError({"write_url_variable": "Reads and writes need logins of their own."})
        if self.maintenance_url_variable and self.maintenance_url_variable == self.read_url_variable:
            raise ValidationError({"maintenance_url_variable": "Reads and maintenance need logins of their own."})
        if self.allow_maintenance and registry.PRODUCTS[EngineKind(self.engine)].maintains is None:
            raise ValidationError({"allow_maintenance": f"There is no maintenance of {self.get_engine_display()}."})
        names = ("read_url_variable", "write_url_variable", "maintenance_url_variable")
        own = [name for name in names if _is_own(getattr(self, name))]
        if own:
            message = f"Variables that begin with {OWN_VARIABLES} are the portal's own settings, never a target's."
            raise ValidationError(dict.fromkeys(own, message))

    @property
    def schemas(self) -> tuple[str, ...]:
        """The search path as names."""
        return tuple(part.strip() for part in self.search_path.split(",") if part.strip())

    @property
    def languages(self) -> tuple[Language, ...]:
        """What a statement for this target may be written in."""
        spoken = registry.languages(EngineKind(self.engine))
        return tuple(language for language in spoken if self.allow_scripts or language is not Language.SCRIPT)

    @property
    def limits(self) -> Limits:
        """What one execution may use."""
        return Limits(
            seconds=self.seconds_limit,
            rows=self.rows_limit,
            bytes=self.bytes_limit,
            lock_seconds=min(self.lock_seconds_limit, self.seconds_limit),
        )

    def limits_for(self, access: Access) -> Limits:
        """What one execution with that access may use: maintenance has times of its own."""
        if access is not Access.MAINTENANCE:
            return self.limits
        seconds = self.maintenance_seconds_limit
        return replace(self.limits, seconds=seconds, lock_seconds=min(self.maintenance_lock_seconds_limit, seconds))

    @property
    def rehearsal_limits(self) -> Limits:
        """What one rehearsal may use: never more than a run."""
        limits = self.limits
        seconds = min(limits.seconds, self.rehearsal_seconds)
        return replace(
            limits, seconds=seconds, lock_seconds=min(limits.lock_seconds, self.rehearsal_lock_seconds, seconds)
        )

    @property
    def undo_limits(self) -> KeepLimits | None:
        """How much of a write is kept for its undo; None for nothing."""
        return KeepLimits(self.undo_rows, self.undo_bytes) if self.undo_rows else None

    def identity(self, access: Access) -> dict[str, object]:
        """What decides where a statement runs, and what its reviewer was told of that: a part of a request's digest."""
        return {
            "slug": self.slug,
            "engine": self.engine,
            "environment": self.environment,
            "variable": self.url_variable(access),
            "search_path": self.search_path,
            "script_modules": sorted(self.script_modules) if self.allow_scripts else None,
        }

    def url_variable(self, access: Access) -> str:
        """The name of the variable with the credential of `access`; "" when the target has none."""
        if access is Access.MAINTENANCE:
            return (self.maintenance_url_variable or self.write_url_variable) if self.allow_maintenance else ""
        return self.read_url_variable if access is Access.READ else self.write_url_variable

    def missing_variables(self) -> list[str]:
        """Names of variables that should hold a credential and do not."""
        names = dict.fromkeys(self.url_variable(access) for access in Access)
        return [name for name in names if name and not _url_in(name)]

    def offers(self, access: Access) -> bool:
        """Whether a credential for `access` is there."""
        return bool(_url_in(self.url_variable(access)))

    def with_credential(self, access: Access) -> ExecutorTarget:
        """What an executor needs to reach it, credential included: fetched now, kept nowhere.

        Raises KeyError with the variable's name when it is not set.
        """
        name = self.url_variable(access)
        url = _url_in(name)
        if not url:
            raise KeyError(name)
        return ExecutorTarget(
            key=self.slug,
            engine=EngineKind(self.engine),
            access=access,
            url=url,
            search_path=self.schemas,
            script_modules=tuple(self.script_modules) if self.allow_scripts else (),
            large_rows=self.large_table_rows,
            personal=tuple(self.personal_columns),
            seconds=self.limits_for(access).seconds,
            lock_seconds=self.limits_for(access).lock_seconds,
        )


def _is_own(name: str) -> bool:
    return name.startswith(OWN_VARIABLES)


def _url_in(name: str) -> str:
    """What the variable holds; "" when it is not set. One of the portal's own is never read, whoever named it."""
    return os.environ.get(name, "") if name and not _is_own(name) else ""

"""People and their roles."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from accounts import names
from audit.log import Portal

if TYPE_CHECKING:
    from django.contrib.auth.models import UserManager


class Role(models.TextChoices):
    """The most a person may be. Membership of a pod's groups says where; the role is the ceiling."""

    DEVELOPER = "DEVELOPER", "Developer"
    MANAGER = "MANAGER", "Manager"
    ADMIN = "ADMIN", "Admin"


UTC: Final = "UTC"


class Theme(models.TextChoices):
    """The colour scheme of the pages."""

    SYSTEM = "system", "Same as the system"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class User(AbstractUser):
    """A person who signs in."""

    role = models.CharField(
        max_length=10,
        choices=Role,
        default=Role.DEVELOPER,
        help_text="The most this person may be. A developer in a managers' group may still not review.",
    )
    can_read_audit = models.BooleanField(
        "may read the audit log", default=False, help_text="Admins always may; give it to auditors."
    )
    notify_by_email = models.BooleanField(
        "e-mail me", default=False, help_text="Send me an e-mail when a request of mine moves or waits for me."
    )
    daily_digest = models.BooleanField(
        "e-mail me once a day",
        default=False,
        help_text="Send me one e-mail each morning, of what waits for me and what happened.",
    )
    # When the last one was sent, or found to have nothing to tell.
    digest_at = models.DateTimeField(null=True, editable=False)
    theme = models.CharField(max_length=6, choices=Theme, default=Theme.SYSTEM)
    no_completion = models.BooleanField(
        "no completion as I type",
        default=False,
        help_text="Do not offer columns, tables and keywords while I type a statement.",
    )
    time_zone = models.CharField(
        "time zone", max_length=64, default=UTC, help_text="Times on pages are shown in it; UTC is said on hover."
    )

    # An anonymous user never reaches an action: these tell a person from the portal itself (`SYSTEM`).
    is_system: ClassVar[bool] = False

    if TYPE_CHECKING:
        objects: ClassVar[UserManager[User]]

    class Meta(AbstractUser.Meta):
        db_table = "users"
        constraints = (models.CheckConstraint(condition=models.Q(role__in=Role.values), name="users_role_known"),)

    def clean(self) -> None:
        """Judge names that are new: they are how people tell each other apart."""
        super().clean()
        before = type(self).objects.filter(pk=self.pk).first()
        errors: dict[str, ValidationError] = {}
        for field in ("first_name", "last_name"):
            if before is None or getattr(self, field) != getattr(before, field):
                try:
                    setattr(self, field, names.clean_name(getattr(self, field)))
                except ValidationError as error:
                    errors[field] = error
        errors = errors or self._taken(before)
        if errors:
            raise ValidationError(errors)

    def _taken(self, before: User | None) -> dict[str, ValidationError]:
        """What somebody else is called already: a name where this person acts, a user name anywhere."""
        errors = {}
        new_name = bool(self.name) and (before is None or before.name != self.name)
        if new_name and names.taken(self.name, names.people_beside(self)):
            errors["first_name"] = ValidationError(names.TAKEN, code="name_taken")
        new_username = bool(self.username) and (before is None or before.username != self.username)
        if new_username and names.taken(self.username, type(self).objects.exclude(pk=self.pk)):
            errors["username"] = ValidationError(names.TAKEN, code="name_taken")
        return errors

    @property
    def name(self) -> str:
        """First and last name, "" for a person known by their user name alone. Never shown by itself: see `label`."""
        return self.get_full_name()

    @property
    def label(self) -> str:
        """Who it is, in text: a name is what its bearer likes, so the user name is always beside it."""
        return f"{self.name} ({self.username})" if self.name else self.username

    @property
    def zone(self) -> ZoneInfo:
        """Where times are shown for this person; UTC where the system no longer knows their zone."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo(UTC)

    @property
    def initials(self) -> str:
        """Up to two capital letters for the avatar."""
        words = (self.name or self.username).split()
        return "".join(word[0] for word in (words[0], words[-1]))[: len(words)].upper() if words else "?"

    @property
    def may_review_somewhere(self) -> bool:
        """Whether the role allows reviewing at all."""
        return self.is_active and self.role in {Role.MANAGER, Role.ADMIN}

    @property
    def is_portal_admin(self) -> bool:
        return self.is_active and self.role == Role.ADMIN

    @property
    def may_read_audit_log(self) -> bool:
        """Whether the audit log is open to this person."""
        return self.is_active and (self.can_read_audit or self.role == Role.ADMIN)


class System(Portal):
    """The portal itself as an actor: claims, settles, expires, tidies. Not a row, not able to sign in."""

    username: Final = "system"
    is_system: Final = True


SYSTEM: Final = System()
Actor: TypeAlias = User | System


class AbsenceQuerySet(models.QuerySet["Absence"]):
    def holding(self) -> AbsenceQuerySet:
        """Those that have begun and not ended."""
        now = timezone.now()
        return self.filter(begins_at__lte=now, ends_at__gt=now)

    def not_over(self) -> AbsenceQuerySet:
        """Those that hold or are to come."""
        return self.filter(ends_at__gt=timezone.now())


class Absence(models.Model):
    """Somebody is out of office, and another stands in. One at a time: a new one takes the place of the last."""

    person = models.OneToOneField(User, on_delete=models.CASCADE, related_name="absence", editable=False)
    stand_in = models.ForeignKey(User, on_delete=models.CASCADE, related_name="stands_in_for", editable=False)
    begins_at = models.DateTimeField(editable=False)
    ends_at = models.DateTimeField(editable=False)

    objects = AbsenceQuerySet.as_manager()

    if TYPE_CHECKING:
        person_id: int
        stand_in_id: int

    class Meta:
        db_table = "absences"
        default_permissions = ("view",)
        constraints = (
            models.CheckConstraint(condition=models.Q(begins_at__lt=models.F("ends_at")), name="absence_has_length"),
            models.CheckConstraint(condition=~models.Q(person=models.F("stand_in")), name="absence_of_another"),
        )

    def __str__(self) -> str:
        return f"{self.person_id}, {self.stand_in_id} stands in"

    @property
    def holds(self) -> bool:
        """Whether the person is away now."""
        return self.begins_at <= timezone.now() < self.ends_at

    @property
    def is_over(self) -> bool:
        return self.ends_at <= timezone.now()

    @property
    def first_day(self) -> dt.date:
        """Its first day where the person is."""
        return self.begins_at.astimezone(self.person.zone).date()

    @property
    def last_day(self) -> dt.date:
        """Its last day where the person is: it ends with that day."""
        return (self.ends_at.astimezone(self.person.zone) - dt.timedelta(microseconds=1)).date()


class Counter(models.Model):
    """One rate-limit window: how often something was done since it began."""

    key = models.CharField(max_length=255, primary_key=True)
    value = models.BigIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        """Table `rate_counters`, unlogged: losing it in a crash only forgets counts."""

        db_table = "rate_counters"

    def __str__(self) -> str:
        return f"{self.key}: {self.value}"

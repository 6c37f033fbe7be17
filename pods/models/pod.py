"""A pod and who is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db import connection, models
from guardian.models import GroupObjectPermissionBase

from accounts.models import Role, User
from pods.names import require_visible

if TYPE_CHECKING:
    from collections.abc import Collection

SUBMIT = "submit_query"
REVIEW = "review_query"


class PodQuerySet(models.QuerySet["Pod"]):
    """Pods, scoped to a reader."""

    def with_permission(self, user: User, codename: str) -> PodQuerySet:
        """Pods on which one of the user's groups holds the permission; none for a deactivated user."""
        if not user.is_active:
            return self.none()
        held = PodGroupObjectPermission.objects.filter(permission__codename=codename, group__user=user)
        return self.filter(pk__in=held.values("content_object_id"))

    def of_member(self, user: User) -> PodQuerySet:
        """Pods the user is in, as developer or manager."""
        held = PodGroupObjectPermission.objects.filter(group__user=user)
        return self.filter(pk__in=held.values("content_object_id"))

    def reviewed_by(self, user: User) -> PodQuerySet:
        """Pods the user may review for: a managers' group says where, the role is the ceiling."""
        return self.with_permission(user, REVIEW) if user.may_review_somewhere else self.none()

    def visible_to(self, user: User) -> PodQuerySet:
        """Pods the user may know of: their own; all of them for admins and for auditors, who read of all."""
        return self if user.may_read_audit_log else self.of_member(user)


_GRANTED = """
pod_group_permissions AS held JOIN auth_permission AS permission ON permission.id = held.permission_id
JOIN users_groups AS membership ON membership.group_id = held.group_id
"""
GRANTS = f"""
SELECT FROM {_GRANTED}
WHERE held.content_object_id = %s AND permission.codename = %s AND membership.user_id = %s LIMIT 1
"""
# What one person's groups hold on the pod of a statement that joins it, for `Pod.trust`.
RIGHTS = f"""
ARRAY(SELECT permission.codename::text FROM {_GRANTED}
WHERE held.content_object_id = pod.id AND membership.user_id = %s)
"""  # noqa: S608 -- constants of ours


class Pod(models.Model):
    """A team: its developers, its managers, the targets it may reach, its Slack channel."""

    name = models.CharField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True, help_text="Used in addresses and by the API.")
    active = models.BooleanField(default=True, help_text="An inactive pod takes no new requests and decides none.")
    developers = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="developers_of", editable=False)
    managers = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="managers_of", editable=False)
    slack_channel = models.CharField(
        max_length=80,
        blank=True,
        help_text="Where this pod's requests are announced, such as #payments. Empty: nowhere.",
    )
    slack_shows_statement = models.BooleanField(
        default=False, help_text="Put the statement's text into the Slack message. Off: only the reason and a link."
    )

    objects = PodQuerySet.as_manager()

    class Meta:
        db_table = "pods"
        ordering = ("name",)
        permissions = ((SUBMIT, "Can ask for statements to be run"), (REVIEW, "Can decide on requests"))

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Reject a name in which something is hidden."""
        require_visible(self.name)

    def has_developer(self, user: User) -> bool:
        """Whether the user may submit for this pod (its developers and its managers)."""
        return self._grants(SUBMIT, user)

    def has_manager(self, user: User) -> bool:
        """Whether the user may review for this pod."""
        return user.may_review_somewhere and self._grants(REVIEW, user)

    def trust(self, user: User, rights: Collection[str]) -> None:
        """Take what a statement has just read of the user's `RIGHTS` for what holds, as long as this object lives."""
        vars(self)["_trusted"] = (user.pk, frozenset(rights))

    def _grants(self, codename: str, user: User) -> bool:
        if not user.is_active:
            return False
        trusted: tuple[int, frozenset[str]] | None = vars(self).get("_trusted")
        if trusted is not None and trusted[0] == user.pk:
            return codename in trusted[1]
        with connection.cursor() as cursor:
            cursor.execute(GRANTS, [self.pk, codename, user.pk])
            return cursor.fetchone() is not None

    def reviewers(self) -> models.QuerySet[User]:
        """Active people who may decide on this pod's requests."""
        return User.objects.filter(groups=self.managers_id, is_active=True, role__in=(Role.MANAGER, Role.ADMIN))


class PodGroupObjectPermission(GroupObjectPermissionBase):
    """django-guardian's per-object permission of a group on a pod, with a real foreign key."""

    content_object = models.ForeignKey(Pod, on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        db_table = "pod_group_permissions"

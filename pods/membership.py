"""A pod's groups, and who is in them: the single source of who may submit and review where."""

from collections.abc import Collection, Iterable

from django.contrib.auth.models import Group
from django.db import models, transaction
from guardian.shortcuts import assign_perm

from accounts import names
from accounts.models import Actor, Role, User
from audit import log
from pods.models import REVIEW, SUBMIT, Pod


@transaction.atomic
def create_pod(*, actor: Actor, name: str, slug: str, **fields: object) -> Pod:
    """A pod with its two groups and what each may do on it."""
    pod = Pod(name=name, slug=slug, **fields)
    prepare_groups(pod)
    pod.save()
    grant(pod)
    log.append(
        log.Action.ADMIN_ADD, actor=actor, subject=subject(pod), data={"values": {"name": name, "slug": slug, **fields}}
    )
    return pod


def prepare_groups(pod: Pod) -> None:
    """Create the groups of a pod that is about to be saved."""
    pod.developers = Group.objects.create(name=f"{pod.slug}: developers")
    pod.managers = Group.objects.create(name=f"{pod.slug}: managers")


def grant(pod: Pod) -> None:
    """Give the pod's groups their permissions on it; managers may submit too."""
    for group, codenames in ((pod.developers, (SUBMIT,)), (pod.managers, (SUBMIT, REVIEW))):
        for codename in codenames:
            assign_perm(f"pods.{codename}", group, pod)


@transaction.atomic
def set_members(*, actor: Actor, pod: Pod, developers: Iterable[User], managers: Iterable[User]) -> None:
    """Make the pod's members exactly these, and record who came and went."""
    changes = {
        "developers": _replace(pod.developers, developers),
        "managers": _replace(pod.managers, managers),
    }
    if any(changes.values()):
        log.append(log.Action.MEMBERS_CHANGE, actor=actor, subject=subject(pod), data={"changes": changes})


def people_beside(user: User) -> models.QuerySet[User]:
    """Active people who act where `user` does: those of the same pods, and whoever acts in every pod."""
    others = User.objects.filter(is_active=True).exclude(pk=user.pk)
    if user.may_read_audit_log:
        return others
    pods = Pod.objects.of_member(user) if user.pk else Pod.objects.none()
    groups = [*pods.values_list("developers", flat=True), *pods.values_list("managers", flat=True)]
    everywhere = models.Q(role=Role.ADMIN) | models.Q(can_read_audit=True)
    return others.filter(models.Q(groups__in=groups) | everywhere).distinct()


def slack_channels() -> list[str]:
    """The channels of all active pods that have one, each once."""
    named = Pod.objects.filter(active=True).exclude(slack_channel="").values_list("slack_channel", flat=True)
    return sorted({channel.strip() for channel in named} - {""})


def newly_alike(members: Collection[User], before: Collection[User]) -> list[tuple[User, User]]:
    """Pairs of members whom a reader would take for each other, one of whom was not a member before."""
    new = [user for user in members if user not in before]
    return [
        (one, other)
        for one in new
        for other in members
        if one != other and (other in before or one.pk < other.pk) and (one.name or other.name) and _pass(one, other)
    ]


def _pass(one: User, other: User) -> bool:
    return any(names.taken(name, [other]) for name in (one.name, one.username) if name)


def subject(pod: Pod) -> log.Subject:
    """The pod as a subject of the audit log."""
    return log.Subject("pod", pod.slug, pod.name)


def _replace(group: Group, people: Iterable[User]) -> dict[str, list[str]]:
    now = {user.pk: user.username for user in people}
    before = dict(group.user_set.values_list("pk", "username"))
    group.user_set.set(list(now))
    change = {
        "added": sorted(now[pk] for pk in now.keys() - before.keys()),
        "removed": sorted(before[pk] for pk in before.keys() - now.keys()),
    }
    return {word: names for word, names in change.items() if names}

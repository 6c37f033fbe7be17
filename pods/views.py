"""Pods: who is in them and what they may reach."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Role, User
from accounts.people import person
from pods.models import Pod
from web.errors import NotFound

RECENT = 10


@require_safe
def pod_list(request: HttpRequest) -> HttpResponse:
    """The pods a person may know of, with their targets."""
    pods = Pod.objects.visible_to(person(request)).prefetch_related("targets")
    return render(request, "pods/list.html", {"nav": "pods", "pods": pods})


@require_safe
def pod_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One pod: members by role, targets with their limits, recent requests."""
    user = person(request)
    pod = Pod.objects.visible_to(user).filter(slug=slug).first()
    if pod is None:
        raise NotFound("There is no such pod, or you are not in it.")
    context = {
        "nav": "pods",
        "pod": pod,
        "managers": _members(pod.managers_id),
        "developers": _members(pod.developers_id),
        "ceiling": Role.DEVELOPER,
        "targets": pod.targets.all(),
        "recent": pod.queries.visible_to(user).with_people().prefetch_related("decisions")[:RECENT],
        "is_member": Pod.objects.of_member(user).filter(pk=pod.pk).exists(),
    }
    return render(request, "pods/detail.html", context)


def _members(group_id: int) -> list[User]:
    return list(User.objects.filter(groups=group_id, is_active=True).order_by("first_name", "last_name", "username"))

"""Pods: who is in them and what they may reach."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Absence, Role, User
from accounts.people import person
from pods.absences import (
    Decider,
    absence_of,
    come_back,
    deciders,
    go_away,
    stand_ins,
    uncovered,
    with_absences,
)
from pods.api import schema_of
from pods.forms import AbsenceForm
from pods.holdings import holdings
from pods.models import Pod, Target
from web.errors import BadInput, NotFound, Unavailable
from web.filters import FILTER_LENGTH
from web.verbs import post_only

RECENT = 10


@require_safe
def pod_list(request: HttpRequest) -> HttpResponse:
    """The pods a person may know of, with their targets."""
    pods = Pod.objects.visible_to(person(request)).prefetch_related("targets")
    context = {"nav": "pods", "pods": pods, "usable": _usable(person(request))}
    return render(request, "pods/list.html", context)


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
        "managers": _members(User.objects.filter(groups=pod.managers_id)),
        "developers": _members(User.objects.filter(groups=pod.developers_id)),
        "ceiling": Role.DEVELOPER,
        "targets": pod.targets.all(),
        "usable": _usable(user),
        "news": _news_of(pod),
        "recent": pod.queries.visible_to(user).with_people().prefetch_related("decisions")[:RECENT],
        "templates": pod.templates.visible_to(user).in_use().as_rows()[:RECENT],
        "is_member": Pod.objects.of_member(user).filter(pk=pod.pk).exists(),
    }
    return render(request, "pods/detail.html", context)


@require_safe
def target_detail(request: HttpRequest, slug: str, target: str) -> HttpResponse:
    """One target: its tables, who decides, how busy it is, and what it was asked lately."""
    user = person(request)
    found = Target.objects.visible_to(user).filter(pod__slug=slug, slug=target).select_related("pod").first()
    if found is None:
        raise NotFound("There is no such target, or you are not in its pod.")
    words = request.GET.get("q", "")[:FILTER_LENGTH].replace("\0", "")
    usable = Target.objects.usable_by(user).filter(pk=found.pk).exists()
    asked = found.queries.visible_to(user)
    context = {
        "nav": "pods",
        "target": found,
        "words": words,
        "usable": usable,
        "may_decide": deciders(found.pod),
        "running": asked.running().count(),
        "waiting": asked.open().count() - asked.running().count(),
        "recent": asked.with_people().prefetch_related("decisions")[:RECENT],
        **(_tables(user, found, words) if usable else {}),
    }
    return render(request, "pods/target.html", context)


def _usable(user: User) -> set[int]:
    """The keys of targets that the person may ask for."""
    return set(Target.objects.usable_by(user).values_list("pk", flat=True))


def _news_of(pod: Pod) -> str:
    """Where its page asks what came since: the list of requests tells, for this pod and whoever asked."""
    since = timezone.now().isoformat()
    asked = {"author": "anyone", "pod": pod.slug, "on_pod": "yes", "since": since}
    return f"{reverse('queries:news')}?{urlencode(asked)}"


def _tables(user: User, target: Target, words: str) -> dict[str, Any]:
    """Its tables; why there are none to show, where it does not answer."""
    try:
        return {"holdings": holdings(schema_of(actor=user, slug=target.slug)[1], words, target.personal_columns)}
    except Unavailable as error:
        return {"no_answer": error.message}


def _members(people: QuerySet[User]) -> list[Decider]:
    return with_absences(people.filter(is_active=True).order_by("first_name", "last_name", "username"))


@require_http_methods(["GET", "HEAD", "POST"])
def absence(request: HttpRequest) -> HttpResponse:
    """My absence: the days, and who stands in."""
    user = person(request)
    held = absence_of(user)
    days = {"first_day": held.first_day, "last_day": held.last_day, "stand_in": held.stand_in.username} if held else {}
    candidates = list(stand_ins(user))
    form = AbsenceForm(request.POST or None, candidates=candidates, initial=days)
    if request.method == "POST" and form.is_valid():
        try:
            go_away(actor=user, **form.cleaned_data)
        except BadInput as error:
            form.refuse(error)
        else:
            messages.success(request, "Your absence was saved.")
            return redirect("absence")
    context = {
        "form": form,
        "absence": held,
        "candidates": candidates,
        "decides": Pod.objects.reviewed_by(user).exists(),
        "uncovered": uncovered(user, held.stand_in) if held else [],
        "standing_for": Absence.objects.not_over().filter(stand_in=user).select_related("person").order_by("begins_at"),
    }
    return render(request, "pods/absence.html", context, status=400 if form.is_bound else 200)


@post_only
def absence_end(request: HttpRequest) -> HttpResponse:
    """Be back, or drop what was to come."""
    come_back(actor=person(request))
    messages.success(request, "You are not out of office any more.")
    return redirect("absence")

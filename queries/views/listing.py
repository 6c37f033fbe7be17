"""What every list of requests shares: filters from the query string, and pages by key."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models.functions import JSONObject
from django.http import HttpRequest

from accounts.models import User
from pods.models import Environment, Pod, Target
from queries.models import QueryRequest, SavedList, SavedView, Tiding
from queries.querysets import QueryRequestQuerySet, how_many
from queries.rows import rows
from queries.words import ACCESSES, STATUSES

M = TypeVar("M", bound=models.Model)

PAGE_SIZE = 50
# What a tab says of a saved view; `pod` is null for one's own.
_VIEW = JSONObject(pk="pk", name="name", address="address", pod="pod__name", slug="pod__slug")
COUNT_CAP = 100
BIGINT_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list; `next` is where the next page starts, for the address."""

    items: Sequence[QueryRequest]
    next: str


@dataclass(frozen=True, slots=True)
class Frame:
    """`choices` for the filters, the counts asked for, none above the cap; saved views, and the pods reviewed for."""

    choices: dict[str, object]
    counts: dict[str, int]
    views: Sequence[Mapping[str, Any]] = ()
    reviewed: Sequence[Mapping[str, str]] = ()


def after_key(request: HttpRequest) -> int | None:
    """The key in `?after=`, None when there is none that could be one."""
    return _number(request.GET.get("after", ""))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < BIGINT_DIGITS else None


def newest_first(queries: QueryRequestQuerySet, reader: User, after: int | None) -> Page:
    """The page of requests older than `after` that the reader may see."""
    found = queries.filter(pk__lt=after) if after is not None else queries
    return _page(found.newest_visible_to(reader, PAGE_SIZE + 1), lambda last: str(last.pk))


def riskiest_first(queries: QueryRequestQuerySet, request: HttpRequest) -> Page:
    """The page of requests in the order of a queue that begins at `?after=`."""
    order, _, key = request.GET.get("after", "").partition("_")
    place = (_number(order.removeprefix("-")), _number(key))
    after = None if None in place else (-(place[0] or 0), place[1] or 0)
    return _page(queries.in_queue_order(after)[: PAGE_SIZE + 1], lambda last: f"{last.queue_order}_{last.pk}")


def _page(ordered: QueryRequestQuerySet, place: Callable[[QueryRequest], str]) -> Page:
    (found,) = rows(ordered)
    more = len(found) > PAGE_SIZE
    return Page(found[:PAGE_SIZE], place(found[PAGE_SIZE - 1]) if more else "")


def capped(queries: models.QuerySet[M]) -> models.QuerySet[M]:
    """As many as are counted."""
    return queries.order_by()[:COUNT_CAP]


def count(queries: QueryRequestQuerySet) -> int:
    """How many, counted no further than the cap."""
    return capped(queries).count()


def around(person: User) -> dict[str, int]:
    """The counts in the frame of every page, in one statement."""
    counted = {"waiting_for_me": capped(QueryRequest.objects.awaiting(person)), "unread_for_me": unread(person)}
    parts = {name: how_many(found) for name, found in counted.items()}
    found: Mapping[str, Any] = User.objects.filter(pk=person.pk).values(**parts)[0]
    return {name: int(found[name]) for name in counted}


def unread(person: User) -> models.QuerySet[Tiding]:
    """What the bell counts, no further than the cap."""
    return capped(Tiding.objects.of(person).unread())


def saved(request: HttpRequest, around: Frame, of: SavedList) -> dict[str, object]:
    """The saved views of a list: tabs, the one that is shown, and for whom the filters can be saved."""
    shown = next((view for view in around.views if str(view["pk"]) == request.GET.get("saved")), None)
    kept = {pod["slug"] for pod in around.reviewed}
    return {
        "views_saved": around.views,
        "view_shown": shown,
        "may_keep_shown": shown is not None and (shown["pod"] is None or shown["slug"] in kept),
        "pods_kept": around.reviewed,
        "list_name": of.value,
        "list_address": request.GET.urlencode(),
    }


def frame(person: User, of: SavedList, counted: Mapping[str, models.QuerySet[Any]]) -> Frame:
    """What stands around a list, in one statement: what its filters offer this person, and how many are `counted`."""
    pods = Pod.objects.all() if person.may_read_audit_log else Pod.objects.of_member(person)
    targets = Target.objects.filter(pod__in=pods)
    named = JSONObject(slug="slug", name="name")
    parts = {name: how_many(queries) for name, queries in counted.items()}
    found: Mapping[str, Any] = User.objects.filter(pk=person.pk).values(
        **parts,
        pods_=ArraySubquery(pods.values_list(named)),
        targets_=ArraySubquery(targets.values_list(named)),
        views_=ArraySubquery(SavedView.objects.for_person(person).filter(list=of.value).values_list(_VIEW)),
        reviewed_=ArraySubquery(Pod.objects.reviewed_by(person).values_list(named)),
    )[0]
    return Frame(
        choices={
            "pods": found["pods_"] or [],
            "targets": found["targets_"] or [],
            "statuses": [(status.value, words.name) for status, words in STATUSES.items()],
            "environments": Environment.choices,
            "accesses": [(access.value, name) for access, name in ACCESSES.items()],
        },
        counts={name: found[name] for name in counted},
        views=found["views_"] or [],
        reviewed=found["reviewed_"] or [],
    )

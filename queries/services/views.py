"""Saved views of the lists: one's own, and those of a pod, which its managers keep and order."""

from django.db import IntegrityError, transaction
from django.http import QueryDict

from accounts.models import User
from audit import log
from pods.models import Pod
from queries import policies
from queries.models.view import ADDRESS_LENGTH, NAME_LENGTH, SavedList, SavedView
from web.errors import BadInput, FieldError, NotAllowed, NotFound
from web.texts import text_problem

MOST_VIEWS = 20
# What belongs to a page of a list, and not to what it is filtered by.
PASSING = ("after", "saved", "choosing")


def save_view(*, actor: User, name: str, of: SavedList, address: str, pod: str = "") -> SavedView:
    """Keep the filters of an address under a name, for oneself or for a pod by its slug.

    Raises BadInput, and NotAllowed for the pod of others.
    """
    owner = _pod(actor, pod) if pod else None
    name, address = " ".join(name.split()), _filters(address)
    _check(name, address)
    with transaction.atomic():
        view = SavedView(person=None if owner else actor, pod=owner, list=of.value, name=name, address=address)
        same = SavedView.objects.filter(person=view.person, pod=view.pod, list=view.list)
        if same.count() >= MOST_VIEWS:
            raise BadInput(
                {"name": [FieldError(f"There are {MOST_VIEWS} views already; remove one first.", "too_many")]}
            )
        view.position = same.count()
        try:
            with transaction.atomic():
                view.save(force_insert=True)
        except IntegrityError as error:
            raise BadInput({"name": [FieldError("There is a view of that name already.", "taken")]}) from error
        log.append(log.Action.VIEW_SAVE, actor=actor, subject=_subject(view), data=_data(view))
    return view


def remove_view(*, actor: User, view_id: int) -> SavedView:
    """Forget a view. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        view = _own(actor, view_id)
        data, subject = _data(view), _subject(view)
        view.delete()
        log.append(log.Action.VIEW_REMOVE, actor=actor, subject=subject, data=data)
    return view


def move_view(*, actor: User, view_id: int) -> SavedView:
    """Put a view one place further to the front. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        view = _own(actor, view_id)
        same = SavedView.objects.filter(person=view.person_id, pod=view.pod_id, list=view.list)
        order = list(same.order_by("position", "pk").select_for_update())
        place = next(index for index, one in enumerate(order) if one.pk == view.pk)
        order.insert(max(place - 1, 0), order.pop(place))
        for position, one in enumerate(order):
            SavedView.objects.filter(pk=one.pk).update(position=position)
        log.append(log.Action.VIEW_MOVE, actor=actor, subject=_subject(view), data=_data(view))
    return view


def _pod(actor: User, slug: str) -> Pod:
    pod = Pod.objects.of_member(actor).filter(slug=slug).first()
    if pod is None:
        raise BadInput({"pod": [FieldError("There is no such pod, or you are not in it.", "unknown_pod")]})
    _allow(actor, pod)
    return pod


def _allow(actor: User, pod: Pod) -> None:
    reason = policies.cannot_keep_views(actor, pod)
    if reason:
        raise NotAllowed(reason)


def _own(actor: User, view_id: int) -> SavedView:
    view = SavedView.objects.for_person(actor).filter(pk=view_id).first()
    if view is None:
        raise NotFound("There is no such view.")
    if view.pod is not None:
        _allow(actor, view.pod)
    return view


def _filters(address: str) -> str:
    """The part of a query string that filters, written anew."""
    sent = QueryDict(address[: 2 * ADDRESS_LENGTH].replace("\0", ""), mutable=True)
    for name in PASSING:
        sent.pop(name, None)
    return sent.urlencode()


def _check(name: str, address: str) -> None:
    errors = {}
    empty = None if name else FieldError("Give it a name.", "required")
    problem = text_problem(name, most=NAME_LENGTH) or empty
    if problem:
        errors["name"] = [problem]
    if len(address) > ADDRESS_LENGTH:
        errors["address"] = [FieldError("These filters are too long to be kept.", "too_long")]
    if errors:
        raise BadInput(errors)


def _subject(view: SavedView) -> log.Subject:
    return log.Subject("view", str(view.pk), view.name)


def _data(view: SavedView) -> dict[str, object]:
    return {"list": view.list, "address": view.address, "pod": view.pod.slug if view.pod else None}

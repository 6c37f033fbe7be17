"""Turning over the result keys: whatever is sealed is sealed anew with the first key of `PORTAL_RESULT_KEYS`.

Afterwards the older keys can be taken out of the setting. It may be stopped and begun again, and run twice at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from queries import vault
from queries.models import Sealed

# A chunk of a result is a quarter of a megabyte before compression: a batch stays within a few megabytes.
BATCH = 20


@dataclass(slots=True)
class Rotation:
    """What a rotation did: rows sealed anew, rows no key opens by the id of the key they name, and rows left."""

    key_id: str
    resealed: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)
    remaining: int = 0


def rotate(progress: Callable[[int], object] = lambda _: None) -> Rotation:
    """Seal every row of an older key with the first key. `progress` hears the count after each batch."""
    done = Rotation(next(iter(settings.PORTAL_RESULT_KEYS)))
    for model in sealed_models():
        for batch in _batches(model, done.key_id):
            _reseal(model, batch, done)
            progress(done.resealed)
    left = sum(_older(model, done.key_id).count() for model in sealed_models())
    done.remaining = left - sum(done.unreadable.values())
    return done


def sealed_models() -> list[type[Sealed]]:
    """Every table with sealed rows."""
    return [model for model in apps.get_models() if issubclass(model, Sealed)]


def _older(model: type[Sealed], key_id: str) -> QuerySet[Sealed]:
    rows: QuerySet[Sealed] = model._default_manager.exclude(key_id=key_id)  # noqa: SLF001 -- Django's documented API
    return rows.exclude(data=None)


def _batches(model: type[Sealed], key_id: str) -> Iterator[list[int]]:
    last = 0
    while batch := list(_older(model, key_id).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield batch
        last = batch[-1]


def _reseal(model: type[Sealed], batch: list[int], done: Rotation) -> None:
    resealed, unreadable = 0, []
    with transaction.atomic():
        held = _older(model, done.key_id).select_for_update(skip_locked=True)
        for row in held.filter(pk__in=batch).order_by("pk"):
            try:
                data = row.unsealed()
            except vault.Unreadable:
                unreadable.append(row.key_id)
                continue
            key_id, sealed = vault.seal(data, row.place)
            model._default_manager.filter(pk=row.pk).update(key_id=key_id, data=sealed)  # noqa: SLF001 -- the same
            resealed += 1
    done.resealed += resealed
    for key_id in unreadable:
        done.unreadable[key_id] = done.unreadable.get(key_id, 0) + 1

"""Turning over the result keys: every stored chunk is sealed anew with the first key of `PORTAL_RESULT_KEYS`.

Afterwards the older keys can be taken out of the setting. It may be stopped and begun again, and run twice at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from queries.models import ResultChunk
from queries.results import vault

# A chunk is a quarter of a megabyte before compression: a batch stays within a few megabytes.
BATCH = 20


@dataclass(slots=True)
class Rotation:
    """What a rotation did: chunks sealed anew, chunks no key opens by the id of the key they name, and chunks left."""

    key_id: str
    resealed: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)
    remaining: int = 0


def rotate(progress: Callable[[int], object] = lambda _: None) -> Rotation:
    """Seal every chunk of an older key with the first key. `progress` hears the count after each batch."""
    done = Rotation(next(iter(settings.PORTAL_RESULT_KEYS)))
    for batch in _batches(done.key_id):
        _reseal(batch, done)
        progress(done.resealed)
    done.remaining = ResultChunk.objects.exclude(key_id=done.key_id).count() - sum(done.unreadable.values())
    return done


def _batches(key_id: str) -> Iterator[list[int]]:
    last = 0
    while True:
        older = ResultChunk.objects.exclude(key_id=key_id).filter(pk__gt=last).order_by("pk")
        batch = list(older.values_list("pk", flat=True)[:BATCH])
        if not batch:
            return
        yield batch
        last = batch[-1]


def _reseal(batch: list[int], done: Rotation) -> None:
    resealed, unreadable = 0, []
    with transaction.atomic():
        held = ResultChunk.objects.select_for_update(skip_locked=True).exclude(key_id=done.key_id)
        for chunk in held.filter(pk__in=batch).order_by("pk"):
            where = vault.place(chunk.execution_id, chunk.number, chunk.first_row, chunk.row_count)
            try:
                data = vault.unseal(chunk.key_id, bytes(chunk.data), where)
            except vault.Unreadable:
                unreadable.append(chunk.key_id)
                continue
            key_id, sealed = vault.seal(data, where)
            ResultChunk.objects.filter(pk=chunk.pk).update(key_id=key_id, data=sealed)
            resealed += 1
    done.resealed += resealed
    for key_id in unreadable:
        done.unreadable[key_id] = done.unreadable.get(key_id, 0) + 1

"""Results in the order somebody asks for: made once from all rows, kept sealed for an hour, read page by page."""

from __future__ import annotations

import datetime as dt
import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from executors.arranging import Arrangement
from executors.base import RowEncoding
from executors.processes import arrangers
from executors.processes.arrangers import Rows, Unarranged
from queries.models import Execution, ResultOrder
from queries.results.reader import blocks, columns_of
from queries.vault import Unreadable
from web.errors import Unavailable

KEPT = dt.timedelta(hours=1)
# One that is about to be deleted is made anew: who reads it now turns a page or two.
SPARE = dt.timedelta(minutes=5)
# Orders of one result that are kept at the same time; the oldest go.
MOST_KEPT = 12
PIECE = 65_536
RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order that is kept: how many row numbers it has, and those from any place on."""

    execution: Execution
    digest: str
    total: int

    def numbers(self, first: int, limit: int) -> Iterator[int]:
        """The numbers, from 0, of the rows at the places from `first` on, `limit` at most. Raises Unreadable."""
        end = min(first + limit, self.total)
        while first < end:
            piece = self._piece(first // PIECE)[first % PIECE : first % PIECE + end - first]
            if not piece:
                raise Unreadable("A piece of the order is missing.")
            yield from piece
            first += len(piece)

    def _piece(self, number: int) -> array[int]:
        piece = ResultOrder.objects.filter(execution=self.execution, digest=self.digest, number=number).first()
        if piece is None:
            raise Unreadable("A piece of the order is gone. Open the result again.")
        return piece.numbers()


def ordered(execution: Execution, arrangement: Arrangement) -> Ordered:
    """The order of the rows asked for; made from all rows unless it is kept. Raises Unreadable or Unavailable."""
    digest = digest_of(arrangement.as_json())
    return kept(execution, digest) or keep(execution, digest, _made(execution, arrangement))


def digest_of(asked: object) -> str:
    """The name of an order. What was searched for may quote the data, so nobody can guess it from its name."""
    text = json.dumps(asked, sort_keys=True)
    return salted_hmac("queries.results.orders", text, algorithm="sha256").hexdigest()


def kept(execution: Execution, digest: str) -> Ordered | None:
    """The order of that name, if it will be there for a while."""
    pieces = ResultOrder.objects.filter(execution=execution, digest=digest, expires_at__gt=timezone.now() + SPARE)
    total = pieces.values_list("total", flat=True).first()
    return None if total is None else Ordered(execution, digest, total)


def keep(execution: Execution, digest: str, numbers: Sequence[int]) -> Ordered:
    """Keep an order for an hour."""
    expires_at = timezone.now() + KEPT
    pieces = []
    for number, start in enumerate(range(0, max(len(numbers), 1), PIECE)):
        piece = ResultOrder(
            execution=execution, digest=digest, number=number, total=len(numbers), expires_at=expires_at
        )
        piece.fill(numbers[start : start + PIECE])
        pieces.append(piece)
    with transaction.atomic():
        # One at a time: two people may ask for the same at once.
        Execution.objects.select_for_update(of=("self",)).only("pk").get(pk=execution.pk)
        ResultOrder.objects.filter(execution=execution, digest=digest).delete()
        ResultOrder.objects.bulk_create(pieces)
        _forget_oldest(execution)
    return Ordered(execution, digest, len(numbers))


def stored_rows(execution: Execution) -> Rows:
    """All rows of a result, to be sorted or compared."""
    return Rows(RowEncoding(execution.encoding), columns_of(execution), blocks(execution))


def unavailable(error: Unarranged) -> Unavailable:
    """What is said where rows could not be sorted or compared."""
    return Unavailable(error.message, retry_after=RETRY_SECONDS if error.passing else 0)


def _made(execution: Execution, arrangement: Arrangement) -> array[int]:
    try:
        return arrangers.arrange(arrangement, stored_rows(execution))
    except Unarranged as error:
        raise unavailable(error) from error


def _forget_oldest(execution: Execution) -> None:
    first_pieces = ResultOrder.objects.filter(execution=execution, number=0).order_by("-expires_at", "-pk")
    oldest = list(first_pieces.values_list("digest", flat=True)[MOST_KEPT:])
    ResultOrder.objects.filter(execution=execution, digest__in=oldest).delete()

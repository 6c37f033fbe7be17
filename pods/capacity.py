"""Whether the logins of targets may have as many connections as the portal's places for them need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from executors import processes
from executors.base import Access, ExecutionError
from executors.base import Target as ExecutorTarget
from pods.models import Target

# A run has a connection, and one more while it is cancelled, watched or asked about; helpers keep some warm besides.
PER_PLACE = 2
BESIDES = 8


@dataclass(frozen=True, slots=True)
class Told:
    """What was found of one login, as a sentence for operators."""

    words: str
    fault: bool


class _Use(NamedTuple):
    """What a target does with a login, and how many places it has for that."""

    target: Target
    asked: ExecutorTarget
    places: int


def check() -> Iterator[Told]:
    """Each login of the active targets, asked now. Targets that share a login share its connections."""
    logins: dict[tuple[str, str], list[_Use]] = defaultdict(list)
    for target in Target.objects.filter(active=True).order_by("slug"):
        for access in (access for access in Access if target.url_variable(access)):
            try:
                found = target.with_credential(access)
            except KeyError as error:
                yield Told(f"{target.slug}, {access}: the variable {error.args[0]} is not set.", fault=True)
            else:
                # Of what cannot run in a transaction there is one at a time on a target.
                places = 1 if access is Access.MAINTENANCE else target.places
                logins[target.engine, found.url].append(_Use(target, found, places))
    for sharing in logins.values():
        yield _login(sharing)


def _login(uses: Sequence[_Use]) -> Told:
    asked = uses[0].asked
    accesses = ", ".join(dict.fromkeys(str(use.asked.access) for use in uses))
    named = f"{', '.join(dict.fromkeys(use.target.slug for use in uses))}, {accesses}"
    places = sum(use.places for use in uses)
    needed = PER_PLACE * places + BESIDES
    try:
        limit = processes.connection_limit(asked)
    except ExecutionError as error:
        return Told(f"{named}: not checked. {error.public_message}", fault=True)
    if limit is None:
        return Told(f"{named}: nothing limits its connections; {places} places.", fault=False)
    had = f"{named}: {limit.most} connections by {limit.setting}; {places} places need {needed}"
    if limit.most >= needed:
        return Told(f"{had}.", fault=False)
    fewer = max((limit.most - BESIDES) // PER_PLACE, 0)
    advice = f"give it {needed}, or the target {fewer} places" if fewer else f"give it {needed}"
    return Told(f"{had}. Too few: {advice}.", fault=True)

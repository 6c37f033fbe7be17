"""Whether a target is as the portal needs it: each of its logins is asked what it may do, and how its server is set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from django.db import DatabaseError, connection, transaction

from audit import log
from executors import processes
from executors.base import Access, EngineKind, Examined, ExecutionError
from pods import capacity, flaws
from pods.models import Target, TargetReport

SERVER = "SELECT system_identifier::text, current_database() FROM pg_control_system()"
LOGINS = {
    Access.READ: "login for reading",
    Access.WRITE: "login for writing",
    Access.MAINTENANCE: "login for maintenance",
}
SAME_LOGIN = (
    "The {one} and the {other} are one: {login}. What is held to reading could write.",
    "Create a login of its own for each, as the README says.",
)
OTHER_DATABASE = (
    "The {one} leads to {database}, the {other} to {elsewhere}: what was read there is not what will be written here.",
    "Correct the URL of one of them.",
)
PORTALS_OWN = ("The {one} leads to the portal's own database.", "Name the database of the target in its URL.")


@dataclass(frozen=True, slots=True)
class Told:
    """What is wrong, and how it is mended, for operators. What is no fault is advice."""

    words: str
    mend: str
    fault: bool


def examine(target: Target) -> list[Told]:
    """What is wrong with each login of the target and between them, asked now; faults first."""
    found: dict[Access, Examined] = {}
    told = []
    for access in _accesses(target):
        try:
            found[access] = processes.examine(target.with_credential(access))
        except KeyError as error:
            words = f"The variable {error.args[0]} is not set: there is no {LOGINS[access]}."
            told.append(Told(words, "Set it in the environment of every process of the portal.", fault=True))
        except ExecutionError as error:
            words = f"The {LOGINS[access]} could not be tried: {error.public_message}"
            told.append(Told(words, "Look at the URL, the network and the log of the target's server.", fault=True))
    for access, examined in found.items():
        places = 1 if access is Access.MAINTENANCE else target.places
        told += _flaws(examined, capacity.PER_PLACE * places + capacity.BESIDES)
    told += [*_between(found), *_portals_own(target, found)]
    return sorted(dict.fromkeys(told), key=lambda one: not one.fault)


def examine_target(*, actor: log.Actor, target: Target) -> TargetReport:
    """Ask a target's logins now, keep what was found for its page, and record who asked."""
    told = examine(target)
    faults = sum(one.fault for one in told)
    lines = [[one.words, one.mend, one.fault] for one in told]
    with transaction.atomic():
        report, _ = TargetReport.objects.update_or_create(
            target=target, defaults={"told": lines, "about": about(target)}
        )
        subject = log.Subject("target", target.slug, target.name)
        log.append(
            log.Action.TARGET_EXAMINE,
            actor=actor,
            subject=subject,
            data={"faults": faults, "advice": len(told) - faults},
        )
    return report


def about(target: Target) -> list[str]:
    """What a report is about: a target that was changed in it since has to be tested anew."""
    return [*(target.url_variable(access) for access in Access), target.search_path]


def _accesses(target: Target) -> Sequence[Access]:
    """One for each login. One that writes and maintains has to own what it maintains: it is judged as that."""
    by_variable = {target.url_variable(access): access for access in Access}
    return [access for name, access in by_variable.items() if name]


def _flaws(examined: Examined, needed: int) -> Iterator[Told]:
    for flaw in examined.flaws:
        words = flaws.said(flaw, examined, needed)
        yield Told(words.said, words.mend, words.fault)


def _between(found: dict[Access, Examined]) -> Iterator[Told]:
    for (one, first), (other, second) in combinations(found.items(), 2):
        names = {"one": LOGINS[one], "other": LOGINS[other]}
        if (first.server, first.database) != (second.server, second.database):
            words = OTHER_DATABASE[0].format(database=first.database, elsewhere=second.database, **names)
            yield Told(words, OTHER_DATABASE[1], fault=True)
        elif first.login == second.login and Access.READ in (one, other):
            yield Told(SAME_LOGIN[0].format(login=first.login, **names), SAME_LOGIN[1], fault=True)


def _portals_own(target: Target, found: dict[Access, Examined]) -> Iterator[Told]:
    if target.engine != EngineKind.POSTGRESQL or not found:
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SERVER)
            own = cursor.fetchone()
    except DatabaseError:
        yield Told("It is not known whether it is the portal's own database.", "Compare the two URLs.", fault=False)
        return
    for access, examined in found.items():
        if (examined.server, examined.database) == own:
            yield Told(PORTALS_OWN[0].format(one=LOGINS[access]), PORTALS_OWN[1], fault=True)

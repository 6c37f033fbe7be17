"""What happens at once to a template: runs against a limit, a run against who withdraws, changes or retires."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier, Event
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from queries import grants, services
from queries.lifecycle import Status
from queries.models import QueryRequest, Template
from queries.services import Terms
from queries.services.templates import locked_template
from queries.tests.services.test_templates import asked, draft
from queries.tests.world import World
from web.errors import NotNow

NUMBERS = count(1)


def kept(world: World, **limits: int) -> Template:
    """A template of its own, approved in advance; the database of these tests is never emptied."""
    template = services.create_template(actor=world.author, draft=draft(name=f"Raced {next(NUMBERS)}"))
    until = grants.today() + dt.timedelta(days=1)
    most = {"runs_a_day": 50, "runs_a_person": 50} | limits
    terms = Terms("orders", until, most["runs_a_day"], most["runs_a_person"])
    services.grant(actor=world.reviewer, template_id=template.pk, digest=template.now.digest, terms=terms)
    return template


def alone(act: Callable[[], QueryRequest]) -> Status | str:
    """What comes of an act on a connection of this thread's own."""
    try:
        return act().state
    except NotNow as error:
        return error.code
    finally:
        connection.close()


def test_no_more_run_than_the_limit_lets_however_many_begin_at_once(committed: World) -> None:
    template = kept(committed, runs_a_day=3, runs_a_person=3)
    together = Barrier(6)

    def run() -> QueryRequest:
        together.wait()
        return services.ask(actor=committed.author, template_id=template.pk, asked=asked(template))

    with ThreadPoolExecutor(6) as threads:
        states = [each.result() for each in [threads.submit(alone, run) for _ in range(6)]]
    assert sorted(states) == [Status.EXECUTED] * 3 + [Status.PENDING] * 3
    assert template.grants.get().uses.count() == 3


def withdraw(world: World, template: Template) -> None:
    services.withdraw_grant(actor=world.reviewer, template_id=template.pk, target="orders")


def change(world: World, template: Template) -> None:
    digest = template.now.digest
    other = draft(name=template.name, statement="SELECT name FROM items WHERE id = :id")
    services.change_template(actor=world.author, template_id=template.pk, digest=digest, draft=other)


def retire(world: World, template: Template) -> None:
    services.retire_template(actor=world.author, template_id=template.pk, digest=template.now.digest)


@pytest.mark.parametrize(
    ("act", "outcome"),
    [(withdraw, Status.PENDING), (change, "digest_differs"), (retire, "template_retired")],
    ids=["withdraw", "change", "retire"],
)
def test_a_run_waits_for_who_is_ending_it_and_does_not_run_then(
    committed: World, act: Callable[[World, Template], None], outcome: Any, postgres_url: str
) -> None:
    template = kept(committed)
    seen, began = asked(template), Event()

    def run() -> QueryRequest:
        began.set()
        return services.ask(actor=committed.author, template_id=template.pk, asked=seen)

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            locked_template(template.pk)
            waiting = threads.submit(alone, run)
            began.wait(10)
            until_somebody_waits(postgres_url)
            act(committed, template)
        assert waiting.result(30) == outcome
    assert not template.grants.get().uses.exists()


def until_somebody_waits(postgres_url: str) -> None:
    """Look from outside until a session of this database waits for a lock of another's row."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(postgres_url, autocommit=True) as server:
        for _ in range(2000):
            waiting = server.execute(
                "SELECT count(*), pg_sleep(0.01) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'",
                [name],
            ).fetchone()
            if waiting is not None and waiting[0]:
                return
    pytest.fail("nobody waits")

"""Every address and every service that changes something leaves an entry, or says here why it need not."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from audit import verification
from audit.chain import Verdict
from audit.models import AuditLog
from pods import absences, examining, membership
from queries import services
from queries.tests.acts import ACTS, VALUES, Doing
from queries.tests.conftest import SignedIn
from queries.tests.world import World

CLOSED = "only a lost outcome is closed, which the tests of faults bring about and look for its entry"
SHOWS = "shows a page or leads to one; nothing is changed"
EXEMPT = {
    "api:query_check": "reads a statement; nothing is stored",
    "api:query_close": CLOSED,
    "queries:close": CLOSED,
    "queries:revise": "opens the form of a new request, whose sending is recorded",
    "queries:draft": "a draft is its author's own until it is sent",
    "accounts:zone": "in which zone a browser shows times concerns nobody else",
    "notices_read": "which notices somebody has read concerns nobody else",
    "accounts:account": SHOWS,
    "admin:index": SHOWS,
    "admin:login": "leads to the portal's own sign-in",
    "admin:password_change": "leads to the portal's own page",
    "admin:view_on_site": SHOWS,
    **{
        f"admin:{model}_{view}": SHOWS
        for model in ("accounts_user", "pods_pod", "pods_target")
        for view in ("changelist", "history")
    },
    "admin:accounts_user_delete": "nobody may: it is refused",
    "admin:pods_pod_delete": "nobody may: it is refused",
}
# The verbs, by the address whose scenario runs them.
SERVICES = {
    absences.come_back: "absence_end",
    absences.go_away: "absence",
    services.approve: "queries:approve",
    services.cancel: "queries:cancel",
    services.close: "queries:close",
    services.comment: "queries:comment",
    services.discard_draft: "queries:draft",
    services.keep_draft: "queries:draft",
    services.move_view: "view_move",
    services.rehearse: "queries:rehearse",
    services.reject: "queries:reject",
    services.reject_stale: "review_stale",
    services.remove_view: "view_remove",
    services.save_view: "view_save",
    services.submit: "queries:new",
    services.undo: "queries:undo",
    services.withdraw: "queries:withdraw",
    services.ask: "template_ask",
    services.change_template: "template_change",
    services.create_template: "template_new",
    services.grant: "template_grant",
    services.retire_template: "template_retire",
    services.withdraw_grant: "template_withdraw",
    membership.create_pod: "admin:pods_pod_add",
    membership.set_members: "admin:pods_pod_change",
    examining.examine_target: "admin:pods_target_examine",
}
READS = {
    services.as_script: "reads",
    services.check_draft: "reads",
    services.has_commented: "reads",
    services.missing_parameters: "reads",
    services.policies_of: "reads",
    services.note_opened: "when a reviewer first opened a request is told with their decision",
    services.visible_query: "reads",
}


def addresses(found: list[URLPattern | URLResolver], before: str = "/", space: str = "") -> Iterator[tuple[str, str]]:
    """Every address by its name."""
    for part in found:
        path = before + str(part.pattern)
        if isinstance(part, URLResolver):
            inner = ":".join(filter(None, (space, part.namespace or "")))
            yield from addresses(part.url_patterns, path, inner)
        elif part.name and "^" not in path:
            yield ":".join(filter(None, (space, part.name))), path


@pytest.fixture
def do(world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch) -> Doing:
    # The whole log is read in a transaction that has to be the first: a test is within one.
    monkeypatch.setattr(verification, "verify_log", lambda **_: Verdict(1, b"\0" * 32))
    return Doing(world, client_of, monkeypatch)


def test_no_address_that_takes_more_than_get_is_missing(do: Doing) -> None:
    """Which those are is asked of the portal itself: whatever else is answered 405."""
    taking = set()
    for name, path in addresses(get_resolver().url_patterns):
        filled = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: VALUES.get(found[1], "0"), path)
        if do.client_of(do.world.admin).post(filled).status_code != 405:
            taking.add(name)
    assert taking == ACTS.keys() | EXEMPT.keys()


def test_no_verb_is_missing() -> None:
    named = [getattr(services, name) for name in services.__all__]
    modules = (absences, membership, examining)
    named += [value for module in modules for value in vars(module).values() if inspect.isfunction(value)]
    verbs: set[object] = {
        one for one in named if inspect.isfunction(one) and "actor" in inspect.signature(one).parameters
    }
    assert verbs == SERVICES.keys() | READS.keys()
    assert set(SERVICES.values()) <= ACTS.keys() | EXEMPT.keys()


@pytest.mark.parametrize("name", ACTS)
def test_every_act_leaves_its_entry(name: str, do: Doing) -> None:
    action, act = ACTS[name]
    newest = AuditLog.objects.first()
    before = newest.seq if newest else 0
    act(do)
    made = AuditLog.objects.filter(seq__gt=before).values_list("action", flat=True)
    assert action in made

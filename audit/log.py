"""Writing to the log: one function, one database round trip, inside the transaction of the act it records."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from django.db import connection

from audit import context


class Action(StrEnum):
    """Everything the log records. Each has a label in `LABELS`."""

    SIGN_IN = "user.sign_in"
    SIGN_IN_FAILED = "user.sign_in_failed"
    LOCK_OUT = "user.lock_out"
    SIGN_OUT = "user.sign_out"
    TOKEN_REFRESH = "user.token_refresh"  # noqa: S105 -- the name of an action
    PROFILE_CHANGE = "user.profile_change"
    AWAY = "user.away"
    BACK = "user.back"
    ADMIN_ADD = "admin.add"
    ADMIN_CHANGE = "admin.change"
    ADMIN_DELETE = "admin.delete"
    MEMBERS_CHANGE = "pod.members_change"
    TARGET_EXAMINE = "target.examine"
    QUERY_SUBMIT = "query.submit"
    QUERY_ENDORSE = "query.endorse"
    QUERY_APPROVE = "query.approve"
    QUERY_REJECT = "query.reject"
    QUERY_WITHDRAW = "query.withdraw"
    QUERY_EXPIRE = "query.expire"
    QUERY_REHEARSE = "query.rehearse"
    QUERY_UNDO = "query.undo"
    QUERY_CLAIM = "query.claim"
    QUERY_COMPLETE = "query.complete"
    QUERY_FAIL = "query.fail"
    QUERY_CLOSE = "query.close"
    QUERY_CANCEL = "query.cancel"
    QUERY_COMMENT = "query.comment"
    QUERY_REFUSED = "query.refused"
    QUERY_EVIDENCE = "query.evidence"
    RESULT_VIEW = "result.view"
    RESULT_DOWNLOAD = "result.download"
    RESULT_DELETE = "result.delete"
    VIEW_SAVE = "view.save"
    VIEW_MOVE = "view.move"
    VIEW_REMOVE = "view.remove"
    TEMPLATE_CREATE = "template.create"
    TEMPLATE_CHANGE = "template.change"
    TEMPLATE_RETIRE = "template.retire"
    TEMPLATE_GRANT = "template.grant"
    TEMPLATE_WITHDRAW = "template.withdraw"
    TEMPLATE_LAPSE = "template.lapse"
    TEMPLATE_USE = "template.use"
    TEMPLATE_REFUSED = "template.refused"
    ACCESS_REFUSED = "access.refused"
    SETTINGS_CHANGE = "portal.settings_change"
    AUDIT_VERIFY = "audit.verify"
    AUDIT_EXPORT = "audit.export"
    AUDIT_ARCHIVE = "audit.archive"


LABELS: dict[Action, str] = {
    Action.SIGN_IN: "signed in",
    Action.SIGN_IN_FAILED: "failed to sign in",
    Action.LOCK_OUT: "locked out",
    Action.SIGN_OUT: "signed out",
    Action.TOKEN_REFRESH: "renewed an API token",
    Action.PROFILE_CHANGE: "changed their profile",
    Action.AWAY: "is out of office:",
    Action.BACK: "is back:",
    Action.ADMIN_ADD: "added",
    Action.ADMIN_CHANGE: "changed",
    Action.ADMIN_DELETE: "deleted",
    Action.MEMBERS_CHANGE: "changed the members of",
    Action.TARGET_EXAMINE: "tested the logins of",
    Action.QUERY_SUBMIT: "asked for",
    Action.QUERY_ENDORSE: "approved, more approvals needed:",
    Action.QUERY_APPROVE: "approved",
    Action.QUERY_REJECT: "rejected",
    Action.QUERY_WITHDRAW: "withdrew",
    Action.QUERY_EXPIRE: "let expire",
    Action.QUERY_REHEARSE: "rehearsed",
    Action.QUERY_UNDO: "prepared the undo of",
    Action.QUERY_CLAIM: "started",
    Action.QUERY_COMPLETE: "finished",
    Action.QUERY_FAIL: "recorded the failure of",
    Action.QUERY_CLOSE: "closed, its outcome unknown,",
    Action.QUERY_CANCEL: "asked to stop",
    Action.QUERY_COMMENT: "commented on",
    Action.QUERY_REFUSED: "was refused an act on",
    Action.QUERY_EVIDENCE: "took the evidence of",
    Action.RESULT_VIEW: "viewed the result of",
    Action.RESULT_DOWNLOAD: "downloaded the result of",
    Action.RESULT_DELETE: "deleted the result of",
    Action.VIEW_SAVE: "saved the view",
    Action.VIEW_MOVE: "moved the view",
    Action.VIEW_REMOVE: "removed the view",
    Action.TEMPLATE_CREATE: "kept the template",
    Action.TEMPLATE_CHANGE: "changed the template",
    Action.TEMPLATE_RETIRE: "retired the template",
    Action.TEMPLATE_GRANT: "approved in advance the template",
    Action.TEMPLATE_WITHDRAW: "withdrew the approval in advance of",
    Action.TEMPLATE_LAPSE: "ended the approval in advance of",
    Action.TEMPLATE_USE: "asked with the template",
    Action.TEMPLATE_REFUSED: "was refused an act on the template",
    Action.ACCESS_REFUSED: "was refused",
    Action.SETTINGS_CHANGE: "runs with other",
    Action.AUDIT_VERIFY: "verified the audit log",
    Action.AUDIT_EXPORT: "exported the audit log",
    Action.AUDIT_ARCHIVE: "archived a month of the audit log",
}


def named(action: Action) -> str:
    """An action by itself, as a filter offers it: its words, and its code, which alone tells `added` from `added`."""
    words = LABELS[action].rstrip(":,")
    return f"{words[:1].upper()}{words[1:]} ({action.value})"


class Actor(Protocol):
    """Who acts: a user, or the portal itself (`pk` None)."""

    @property
    def pk(self) -> Any:
        """Primary key of the user, None for the portal."""

    @property
    def label(self) -> str:
        """The name people see."""


class Portal:
    """The portal itself."""

    pk: Final = None
    label: Final = "Query Portal"


PORTAL: Final = Portal()


@dataclass(frozen=True, slots=True)
class Subject:
    """What was acted on, by kind and public id; the label is for people."""

    kind: str
    id: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """A statement that writes or locks, sent in one round trip with the entry that tells of it.

    `sql` gives rows (RETURNING). Its `{source}` becomes a FROM of what the act before it gave, so that where one gave
    nothing there is nothing after it, and no entry either. What is written `beside` may give any number of rows.
    """

    name: str
    sql: str
    values: Sequence[Any]
    beside: bool = False


class NothingWritten(Exception):
    """One of the acts wrote nothing, and so there is no entry."""


@dataclass(frozen=True, slots=True)
class Appended:
    """An entry by its number, and the transaction that wrote it as its rows name it (`xmin`)."""

    seq: int
    transaction: str


# Where the rows of the act before stand in the words of an act.
SOURCE: Final = "{source}"

INSERT = """
INSERT INTO audit_logs (actor_id, actor_label, action, subject_kind, subject_id, subject_label, data)
SELECT %s::bigint, %s::text, %s::text, %s::text, %s::text, %s::text, %s::text {source}
RETURNING seq, pg_current_xact_id()::xid::text
"""


def canonical(data: Mapping[str, object]) -> str:
    """`data` as canonical JSON: sorted keys, no spaces, UTF-8, NUL escaped (PostgreSQL's text cannot hold it)."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str)
    # Half a character, which no UTF-8 can hold, stays a JSON escape.
    return text.encode("utf-8", "backslashreplace").decode()


def _storable(text: str) -> str:
    """The text with a mark where PostgreSQL could not hold it: a NUL, half a character."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def append(
    action: Action,
    *,
    actor: Actor,
    subject: Subject,
    data: Mapping[str, object] | None = None,
    acts: Sequence[Act] = (),
) -> Appended:
    """Append an entry, after the `acts` it tells of if they are given.

    Call it last in the transaction of the act: the head of the chain stays locked until that transaction ends. Outside
    of one, acts and entry are a transaction of their own; their first then decides whether all of it is written.
    Raises RuntimeError where there is no transaction (no entry, no act), NothingWritten where an act wrote nothing.
    """
    if not connection.in_atomic_block and not acts:
        raise RuntimeError("An audit entry is written inside the transaction of the act it records.")
    body = canonical({**context.current(), **(data or {})})
    about = [subject.kind, _storable(subject.id), _storable(subject.label)]
    row = [actor.pk, actor.label, action.value, *about, body]
    with connection.cursor() as cursor:
        cursor.execute(_statement(acts), [*(value for act in acts for value in act.values), *row])
        appended = cursor.fetchone()
    if appended is None:
        raise NothingWritten
    return Appended(*appended)


def _statement(acts: Sequence[Act]) -> str:
    named, sources = [], [""]
    for act in acts:
        named.append(f"{act.name} AS ({act.sql.replace(SOURCE, _from(sources))})")
        # Of what is written beside it comes one row, whatever it gave: only that it was done is waited for.
        done = f"(SELECT count(*) FROM {act.name}) AS {act.name}_done"  # noqa: S608 -- a name of ours
        sources = [*sources, done] if act.beside else [act.name]
    entry = INSERT.replace(SOURCE, _from(sources))
    return f"WITH {', '.join(named)} {entry}" if named else entry


def _from(sources: Sequence[str]) -> str:
    given = ", ".join(filter(None, sources))
    return given and f"FROM {given}"

"""What a request revises: the version its reader saw last, what differs from it, and what was said meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from django.db import connection

from accounts.models import User
from queries.models import Code, QueryRequest, Rehearsal, Tiding, Verdict
from queries.presentation import parameters
from queries.presentation.code import PLAIN
from queries.presentation.difference import DiffLine, difference
from queries.words import ACCESSES, ASKED_FOR_CHANGES, LANGUAGES, named

# A chain of more revisions than this is read from its end.
GENERATIONS = 50
# Parameters that are told apart one by one, and characters of each that are shown.
PARAMETERS_SHOWN = 20
VALUE_SHOWN = 200
WORDS_SHOWN = 20
LINE = """
WITH RECURSIVE line (id, depth) AS (
    SELECT revises_id, 1 FROM query_requests WHERE id = %s
    UNION ALL
    SELECT query.revises_id, depth + 1 FROM line JOIN query_requests AS query ON query.id = line.id WHERE depth < %s
)
SELECT id FROM line WHERE id IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said about an earlier version, and which."""

    who: User
    did: str
    query: QueryRequest
    text: str
    at: dt.datetime
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """The version that a reader compares with, whether they have `seen` it, and the words since, oldest first."""

    query: QueryRequest
    seen: bool
    words: Sequence[Word]
    words_left_out: int


def earlier(query: QueryRequest, reader: User) -> Earlier | None:
    """What a reader compares a revision with, as far as they may know of it; None where there is nothing."""
    if query.revises_id is None:
        return None
    line = _line(query, reader)
    if not line:
        return None
    seen = _seen(line, reader)
    base = next((version for version in line if version.pk in seen), line[0])
    words = sorted((word for version in line if version.pk >= base.pk for word in _said(version)), key=lambda w: w.at)
    left_out = max(0, len(words) - WORDS_SHOWN)
    return Earlier(base, base.pk in seen, words[left_out:], left_out)


def words_about(public_id: UUID, author: User) -> list[Word]:
    """What others said about a request of its author's, the latest of it, oldest first."""
    found = QueryRequest.objects.filter(public_id=public_id, author=author)
    query = found.prefetch_related("decisions__reviewer", "comments__author").first()
    said = [word for word in _said(query) if word.who != author] if query is not None else []
    return sorted(said, key=lambda word: word.at)[-WORDS_SHOWN:]


def _line(query: QueryRequest, reader: User) -> list[QueryRequest]:
    """The versions before this one that the reader may know of, the latest first."""
    with connection.cursor() as cursor:
        cursor.execute(LINE, [query.pk, GENERATIONS])
        keys = [row[0] for row in cursor.fetchall()]
    found = QueryRequest.objects.visible_to(reader).filter(pk__in=keys).order_by("-pk")
    return list(found.select_related("target", "pod").prefetch_related("decisions__reviewer", "comments__author"))


def _seen(line: Sequence[QueryRequest], reader: User) -> set[int]:
    """Those that the reader wrote, opened, or acted on."""
    keys = {version.pk for version in line}
    opened = Tiding.objects.filter(person=reader, query__in=keys).exclude(read_at=None)
    rehearsed = Rehearsal.objects.filter(by=reader, query__in=keys)
    acted = {
        version.pk
        for version in line
        if version.author_id == reader.pk
        or any(decision.reviewer_id == reader.pk for decision in version.decisions.all())
        or any(comment.author_id == reader.pk for comment in version.comments.all())
    }
    return acted | set(opened.values_list("query", flat=True)) | set(rehearsed.values_list("query", flat=True))


def _said(query: QueryRequest) -> Iterator[Word]:
    for decision in query.decisions.all():
        if decision.comment:
            asked = decision.verdict == Verdict.REJECT and query.code == Code.CHANGES_REQUESTED
            did = f"{ASKED_FOR_CHANGES} to" if asked else decision.get_verdict_display().lower()
            yield Word(decision.reviewer, did, query, decision.comment, decision.at)
    for comment in query.comments.all():
        yield Word(comment.author, "commented on", query, comment.text, comment.at, comment.line)


@dataclass(frozen=True, slots=True)
class Change:
    """Something beside the statement that differs: what it was and what it is."""

    name: str
    was: str
    now: str


def other_changes(before: QueryRequest, after: QueryRequest) -> list[Change]:
    """What else differs between two versions, beside statement and reason."""
    pairs = (
        ("Pod", before.pod.name, after.pod.name),
        ("Target", before.target.name, after.target.name),
        ("Access", named(ACCESSES, before.access), named(ACCESSES, after.access)),
        ("Language", named(LANGUAGES, before.language), named(LANGUAGES, after.language)),
        ("Rows it should change", _rows(before.expects), _rows(after.expects)),
        ("Ticket", before.ticket or "none", after.ticket or "none"),
    )
    return [*(Change(*pair) for pair in pairs if pair[1] != pair[2]), *_parameters(before, after)]


def reason_changes(before: QueryRequest, after: QueryRequest) -> list[DiffLine]:
    """The reason line by line with what changed in it; [] where it is the same."""
    return [] if before.reason == after.reason else difference(before.reason, after.reason, PLAIN)


def _rows(count: int | None) -> str:
    return "not said" if count is None else f"{count:,}"


def _parameters(before: QueryRequest, after: QueryRequest) -> Iterator[Change]:
    old, new = _values(before), _values(after)
    changed = [name for name in old | new if old.get(name) != new.get(name)]
    for name in changed[:PARAMETERS_SHOWN]:
        yield Change(f"Parameter {name}", old.get(name, "not there"), new.get(name, "not there"))
    if len(changed) > PARAMETERS_SHOWN:
        yield Change("More parameters", "not shown", f"{len(changed) - PARAMETERS_SHOWN:,} more differ")


def _values(query: QueryRequest) -> dict[str, str]:
    """Each parameter in words, with its type: True, 1 and 1.0 are equal to Python, and are three things to a database.

    Only the beginning of a long one is shown; all of it is compared, for its length and digest are beside it.
    """
    return {row.name: _value(row) for row in parameters.shown(query.values(), query.language)}


def _value(row: parameters.Shown) -> str:
    if row.text is None:
        return f"NULL ({row.kind})"
    if len(row.text) <= VALUE_SHOWN:
        return f"{row.text} ({row.kind})"
    mark = sha256(row.text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{row.text[:VALUE_SHOWN]}… ({row.kind}, {len(row.text):,} characters, {mark})"

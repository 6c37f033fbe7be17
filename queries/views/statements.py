"""The statement on the page of its request: whole, or as the difference from what its reader saw last."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

from accounts.models import User
from accounts.people import person
from queries import policies
from queries.models import Execution, QueryRequest
from queries.presentation.code import code_lines
from queries.presentation.difference import counts, difference
from queries.presentation.excerpt import beginning, differing, starting
from queries.presentation.noticed import noticed
from queries.presentation.revisions import earlier, other_changes, reason_changes

LineNote = dict[str, object]
LINE = re.compile(r"[0-9]{1,7}", re.ASCII)


def statement_parts(request: HttpRequest, query: QueryRequest, execution: Execution | None) -> dict[str, Any]:
    """What the card of the statement shows. A revision begins with what changed since the version seen last."""
    reader = person(request)
    notes = list(_notes(reader, query, execution))
    shown = beginning(query.statement)
    since = earlier(query, reader)
    if since is None or request.GET.get("view") == "whole":
        shown = starting(query.statement, int(at)) if LINE.fullmatch(at := request.GET.get("line", "")) else shown
        lines = code_lines(shown.text, query.language, notes, shown.first)
        return {"tab": "whole", "since": since, "shown": shown, "lines": lines}
    before = since.query
    parts = differing(before.statement, query.statement)
    other: dict[str, Any] = {
        "tab": "changes",
        "since": since,
        "other_changes": other_changes(before, query),
        "reason_diff": reason_changes(before, query),
        "shown": shown,
    }
    if parts is None:
        return {**other, "too_long_to_compare": True}
    old, new = parts
    rows = difference(old.text, new.text, query.language, notes, new.first)
    return {**other, "diff": rows, "changed": counts(rows), "differing": new}


def failure_parts(user: User, query: QueryRequest, execution: Execution | None) -> dict[str, Any]:
    """What a failed run said, as the reader may read it."""
    message, detail = policies.failure_words(user, query, execution) if execution else ("", {})
    return {"message": message, "detail": detail}


def _notes(user: User, query: QueryRequest, execution: Execution | None) -> Iterator[LineNote]:
    """What is said under a line: findings that are to be read, where the database stopped, what people commented."""
    for finding in noticed(query.findings).first:
        if finding.get("line"):
            yield dict(finding)
    failure = failure_parts(user, query, execution)
    failed_at = str(failure["detail"].get("line", ""))
    if failed_at.isdigit():
        yield {"line": int(failed_at), "severity": "error", "message": failure["message"]}
    for comment in query.comments.all():
        if comment.line is not None:
            yield {"line": comment.line, "who": comment.author, "message": comment.text, "at": comment.at}

"""Talking about a request without deciding on it: about the whole, or about a line of its statement."""

import re

from django.db import transaction

from accounts.models import User
from audit import log
from pods.models import Pod
from queries import policies, refusals
from queries.joined import locked
from queries.models import Comment, QueryRequest
from queries.notices import outbox
from queries.services.comments import COMMENT_LENGTH
from queries.transitions import subject
from web.errors import BadInput, FieldError, NotAllowed, NotNow
from web.texts import text_problem

# So many are read on one page; who has more to say than that talks elsewhere.
MOST_COMMENTS = 200
MENTION = re.compile(r"(?<![\w@])@([\w.+-]{1,150})")


def comment(*, actor: User, query_id: int, text: str, line: int | None = None) -> Comment:
    """Say something about a request. Raises NotAllowed, BadInput for the fields `text` and `line`, NotNow."""
    with refusals.noted("comment", actor=actor, query_id=query_id), transaction.atomic():
        query = locked(query_id)
        reason = policies.cannot_comment(actor, query)
        if reason:
            raise NotAllowed(reason)
        _check(query, text, line)
        if query.comments.count() >= MOST_COMMENTS:
            message = f"{query.number} has {MOST_COMMENTS} comments; no more are taken."
            raise NotNow(message, code="too_many_comments", state=query.status)
        said = Comment(query=query, author=actor, text=text.strip(), line=line)
        said.save(force_insert=True)
        outbox.announce_comment(query, actor=actor, named=_named(query.pod, said.text))
        data = {"comment": said.text, "digest": query.digest} | ({} if line is None else {"line": line})
        log.append(log.Action.QUERY_COMMENT, actor=actor, subject=subject(query), data=data)
    return said


def has_commented(actor: User, query: QueryRequest) -> bool:
    """Whether somebody has said something about a request."""
    return query.comments.filter(author=actor).exists()


def last_line(query: QueryRequest) -> int:
    """The number of the last line of its statement, as pages count them."""
    return query.statement.count("\n") + (not query.statement.endswith("\n"))


def _check(query: QueryRequest, text: str, line: int | None) -> None:
    errors = {}
    empty = None if text.strip() else FieldError("Say something first.", "required")
    problem = text_problem(text, most=COMMENT_LENGTH) or empty
    if problem:
        errors["text"] = [problem]
    last = last_line(query)
    if line is not None and not 1 <= line <= last:
        errors["line"] = [FieldError(f"The statement has lines 1 to {last:,}.", "no_such_line")]
    if errors:
        raise BadInput(errors)


def _named(pod: Pod, text: str) -> list[int]:
    """Who is meant by `@name`: people of the pod, by their user names."""
    names = [name.rstrip(".-+") for name in MENTION.findall(text)]
    members = User.objects.filter(groups__in=(pod.developers_id, pod.managers_id), is_active=True)
    return list(members.filter(username__in=names).values_list("pk", flat=True))

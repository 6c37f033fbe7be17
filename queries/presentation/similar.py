"""Earlier requests that differ from a draft in values alone: what came of them, for whoever is about to ask again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User
from queries import words
from queries.lifecycle import Status
from queries.models import Execution, QueryRequest
from queries.services import Checked

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Similar:
    """One of them. `rows` it returned or changed; None when it did not run to its end, or nobody knows."""

    id: UUID
    number: str
    title: str
    author: str
    outcome: str
    status: str
    rows: int | None
    duration_ms: float | None
    submitted_at: datetime


def similar(reader: User, checked: Checked) -> list[Similar]:
    """The newest that the reader may see."""
    alike = QueryRequest.objects.like(checked.target, checked.analysis.fingerprint)
    if not alike.exists():
        # As of most drafts, each time somebody pauses while typing: what is shown takes ten times as long to ask for.
        return []
    return [_shown(query) for query in alike.visible_to(reader).with_people().order_by("-pk")[:SHOWN]]


def _shown(query: QueryRequest) -> Similar:
    execution = getattr(query, "execution", None)
    return Similar(
        query.public_id,
        query.number,
        query.title,
        query.author.label,
        words.of(query).name,
        query.status,
        _rows(query, execution) if execution is not None and query.state is Status.EXECUTED else None,
        execution.duration_ms if execution is not None else None,
        query.submitted_at,
    )


def _rows(query: QueryRequest, execution: Execution) -> int | None:
    if query.writes:
        return execution.rows_affected if execution.affected_known else None
    return execution.row_count

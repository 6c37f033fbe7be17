"""What people do with requests. One verb, one keyword-only function, called by pages, API, admin and commands alike."""

from queries.services.commenting import MOST_COMMENTS, comment, has_commented, last_line
from queries.services.comments import COMMENT_LENGTH, require_words
from queries.services.deciding import approve, reject, reject_stale
from queries.services.drafts import (
    MOST_EXPECTED,
    PARAMETER_LENGTH,
    PARAMETERS,
    REASON_LENGTH,
    SLUG_LENGTH,
    TICKET_LENGTH,
    Checked,
    Draft,
    check_draft,
    finding_json,
)
from queries.services.ending import cancel, close, expire, withdraw
from queries.services.rehearsing import rehearse
from queries.services.seeing import note_opened, visible_query
from queries.services.submitting import Follows, submit
from queries.services.undoing import undo

__all__ = [
    "COMMENT_LENGTH",
    "MOST_COMMENTS",
    "MOST_EXPECTED",
    "PARAMETERS",
    "PARAMETER_LENGTH",
    "REASON_LENGTH",
    "SLUG_LENGTH",
    "TICKET_LENGTH",
    "Checked",
    "Draft",
    "Follows",
    "approve",
    "cancel",
    "check_draft",
    "close",
    "comment",
    "expire",
    "finding_json",
    "has_commented",
    "last_line",
    "note_opened",
    "rehearse",
    "reject",
    "reject_stale",
    "require_words",
    "submit",
    "undo",
    "visible_query",
    "withdraw",
]

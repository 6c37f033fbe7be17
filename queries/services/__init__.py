"""What people do with requests. One verb, one keyword-only function, called by pages, API, admin and commands alike."""

from queries.services.commenting import MOST_COMMENTS, comment, has_commented, last_line
from queries.services.comments import COMMENT_LENGTH, require_words
from queries.services.deciding import approve, reject, reject_stale
from queries.services.drafts import (
    MOST_EXPECTED,
    REASON_LENGTH,
    SLUG_LENGTH,
    TICKET_LENGTH,
    Checked,
    Draft,
    as_script,
    check_draft,
    finding_json,
    missing_parameters,
)
from queries.services.ending import cancel, close, expire, withdraw
from queries.services.keeping import InTheWay, Unsent, discard_draft, keep_draft
from queries.services.parameters import PARAMETER_LENGTH, PARAMETERS, Typed, field_of
from queries.services.rehearsing import rehearse
from queries.services.seeing import note_opened, visible_query
from queries.services.submitting import Follows, submit
from queries.services.undoing import undo
from queries.services.views import move_view, remove_view, save_view

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
    "InTheWay",
    "Typed",
    "Unsent",
    "approve",
    "as_script",
    "cancel",
    "check_draft",
    "close",
    "comment",
    "discard_draft",
    "expire",
    "field_of",
    "finding_json",
    "has_commented",
    "keep_draft",
    "last_line",
    "missing_parameters",
    "move_view",
    "note_opened",
    "rehearse",
    "reject",
    "reject_stale",
    "remove_view",
    "require_words",
    "save_view",
    "submit",
    "undo",
    "visible_query",
    "withdraw",
]

"""What people do with requests. One verb, one keyword-only function, called by pages, API, admin and commands alike."""

from queries.services.asking import Asked, ask
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
from queries.services.granting import MOST_DAYS, MOST_RUNS, Terms, grant, withdraw_grant
from queries.services.keeping import InTheWay, Unsent, discard_draft, keep_draft
from queries.services.parameters import PARAMETER_LENGTH, PARAMETERS, Typed, field_of
from queries.services.rehearsing import rehearse
from queries.services.seeing import note_opened, visible_query
from queries.services.submitting import Follows, submit
from queries.services.templates import (
    MOST_TARGETS,
    STATEMENT_LENGTH,
    Declared,
    TemplateDraft,
    change_template,
    create_template,
    lapse_grants,
    policies_of,
    retire_template,
)
from queries.services.undoing import undo
from queries.services.views import move_view, remove_view, save_view

__all__ = [
    "COMMENT_LENGTH",
    "MOST_COMMENTS",
    "MOST_DAYS",
    "MOST_EXPECTED",
    "MOST_RUNS",
    "MOST_TARGETS",
    "PARAMETERS",
    "PARAMETER_LENGTH",
    "REASON_LENGTH",
    "SLUG_LENGTH",
    "STATEMENT_LENGTH",
    "TICKET_LENGTH",
    "Asked",
    "Checked",
    "Declared",
    "Draft",
    "Follows",
    "InTheWay",
    "TemplateDraft",
    "Terms",
    "Typed",
    "Unsent",
    "approve",
    "as_script",
    "ask",
    "cancel",
    "change_template",
    "check_draft",
    "close",
    "comment",
    "create_template",
    "discard_draft",
    "expire",
    "field_of",
    "finding_json",
    "grant",
    "has_commented",
    "keep_draft",
    "lapse_grants",
    "last_line",
    "missing_parameters",
    "move_view",
    "note_opened",
    "policies_of",
    "rehearse",
    "reject",
    "reject_stale",
    "remove_view",
    "require_words",
    "retire_template",
    "save_view",
    "submit",
    "undo",
    "visible_query",
    "withdraw",
    "withdraw_grant",
]

"""What people say with a verb: its bounds, and how it is recorded."""

from queries.services.drafts import bad_text
from web.errors import BadInput, FieldError

COMMENT_LENGTH = 4000


def check_comment(comment: str) -> None:
    problem = bad_text(comment, COMMENT_LENGTH)
    if problem:
        raise BadInput({"comment": [problem]})


def said(comment: str) -> dict[str, object]:
    return {"comment": comment.strip()} if comment.strip() else {}


def require_words(comment: str) -> None:
    """Refuse an empty comment where the author needs one: the page asks for one with every rejection."""
    if not comment.strip():
        raise BadInput({"comment": [FieldError("Say why, so that the author can act on it.", "required")]})

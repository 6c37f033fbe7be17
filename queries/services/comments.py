"""What people say with a verb: its bounds, and how it is recorded."""

from web.errors import BadInput, FieldError
from web.texts import text_problem

COMMENT_LENGTH = 4000


def check_comment(comment: str) -> None:
    problem = text_problem(comment, most=COMMENT_LENGTH)
    if problem:
        raise BadInput({"comment": [problem]})


def said(comment: str) -> dict[str, object]:
    return {"comment": comment.strip()} if comment.strip() else {}


def require_words(comment: str) -> None:
    """Refuse an empty comment where the author needs one: the page asks for one with every rejection."""
    if not comment.strip():
        raise BadInput({"comment": [FieldError("Say why, so that the author can act on it.", "required")]})

"""The errors every part of the portal raises, mapped once to a page and to JSON by `portal.errors`.

Not allowed, bad input and not now are three different things: 403, 400 and 409.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpResponse


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field. `line` and `column` count from 1, for a statement.

    `script` is what does the same as a script, for a statement that is none yet.
    """

    message: str
    code: str = "invalid"
    line: int | None = None
    column: int | None = None
    script: str = ""


class PortalError(Exception):
    """An answer the person gets instead of what they asked for. `message` is a sentence for people."""

    status = 500
    code = "error"
    # Seconds after which it is worth asking again; 0 where waiting does not help.
    retry_after = 0

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def on(self, page: HttpResponse) -> HttpResponse:
        """A page of the caller's own, with the status and the headers of this answer."""
        page.status_code = self.status
        if self.retry_after:
            page["Retry-After"] = str(self.retry_after)
        return page


class NotAllowed(PortalError):
    """The person may not do this, now or later."""

    status = 403
    code = "not_allowed"


class NotFound(PortalError):
    """No such thing, or one whose existence the person must not learn."""

    status = 404
    code = "not_found"


class NotNow(PortalError):
    """Allowed, but not in the state the thing is in. `state` is what it is in now."""

    status = 409
    code = "not_now"

    def __init__(self, message: str, *, code: str = "not_now", state: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.state = state


class BadInput(PortalError):
    """What was sent cannot be taken. `fields` says what, where and what to do."""

    status = 400
    code = "bad_input"

    def __init__(self, fields: Mapping[str, Sequence[FieldError]]) -> None:
        super().__init__("Some of what was sent cannot be taken; see the fields.")
        self.fields = fields


class TooManyRequests(PortalError):
    """Asked too often. `retry_after` in seconds."""

    status = 429
    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(PortalError):
    """Something the portal itself needs is down, or taken. `retry_after` in seconds, 0 where nobody can say."""

    status = 503
    code = "unavailable"

    def __init__(self, message: str, *, retry_after: int = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after

"""What every call of the API says of its errors: one shape, and a sentence for each status that can come."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from web.filters import FILTER_LENGTH
from web.paging import CURSOR

DAY = "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"
ERROR_SCHEMA = {"$ref": "#/components/schemas/Error"}
STATUSES = {
    400: "Bad input, or a request that cannot be read; `fields` says what, where and what to do.",
    401: "Not signed in, or with a token that is not good (any more).",
    403: "Not allowed, now or later.",
    404: "Not there, or not for you to know.",
    406: "JSON is all there is.",
    409: "Not now: `state` is the status the request is in.",
    413: "Too large.",
    415: "Send JSON.",
    429: "Too many requests.",
    503: "Something the portal needs does not answer, or takes no changes.",
}


def answers(success: Any, *errors: int, status: int = 200) -> dict[Any, Any]:
    """The `responses` of a call: its own shape, and the errors that only calls like it have.

    Those that follow from the call itself (a body, a sign-in, a parameter) are added to all by `portal.openapi`.
    """
    return {status: success, **{error: OpenApiResponse(ERROR_SCHEMA, STATUSES[error]) for error in errors}}


def text_filter(name: str, description: str) -> OpenApiParameter:
    """A filter that is compared with text."""
    return OpenApiParameter(name, {"type": "string", "maxLength": FILTER_LENGTH}, description=description)


def day_filter(name: str, description: str) -> OpenApiParameter:
    """A filter that is a day; empty, as a form sends it, it filters nothing."""
    return OpenApiParameter(name, {"type": "string", "pattern": DAY}, description=f"{description} As 2026-01-31.")


def limit_filter(*, default: int, most: int) -> OpenApiParameter:
    """How many of a list to answer."""
    bounds = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return OpenApiParameter("limit", bounds, description="How many to answer.")


CURSOR_FILTER = OpenApiParameter(
    "cursor", {"type": "string", "pattern": f"^({CURSOR.strip('^$')})?$"}, description="`next` of the page before."
)

"""What every page shows around its content."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from queries.views.listing import around


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The theme, how many requests wait for the person, and how much they were told and have not read.

    Both are counted in one statement, and only if a page shows them.
    """
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"theme": "system"}
    counts: Any = SimpleLazyObject(lambda: around(user))
    return {
        "theme": user.theme,
        "waiting_for_me": SimpleLazyObject(lambda: counts["waiting_for_me"]),
        "unread_for_me": SimpleLazyObject(lambda: counts["unread_for_me"]),
    }

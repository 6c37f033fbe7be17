"""What every page shows around its content."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from queries.models import QueryRequest
from queries.views.listing import count


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The theme, and how many requests wait for the person; counted only if a page shows it."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"theme": "system"}
    return {
        "theme": user.theme,
        "waiting_for_me": SimpleLazyObject(lambda: count(QueryRequest.objects.awaiting(user))),
    }

"""What every page shows around its content."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import Role, User
from queries.views.listing import around

ADMINS_NAMED = 5


def _admins() -> QuerySet[User]:
    """Who gives roles and puts people into pods, for who may not do something."""
    return User.objects.filter(role=Role.ADMIN, is_active=True).order_by("first_name", "username")[:ADMINS_NAMED]


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
        "portal_admins": SimpleLazyObject(lambda: list(_admins())),
    }

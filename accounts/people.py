"""The person behind a request."""

from typing import cast

from django.http import HttpRequest

from accounts.models import User


def person(request: HttpRequest) -> User:
    """Who is signed in. Only for views behind the sign-in, which the middleware makes of every view."""
    return cast("User", request.user)

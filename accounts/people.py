"""The person behind a request, of a page or of the API."""

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import User


def person(request: HttpRequest | Request) -> User:
    """Who is signed in. Only for views behind the sign-in, which the middleware and the API make of every view."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("The view let somebody in who is not signed in.")
    return user

"""Addresses that take POST alone: the verbs below the nouns."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase, HttpResponseRedirect

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def post_only(view: View[P]) -> View[P]:
    """A verb of the noun it stands below.

    Whoever comes by GET, by a reload after an error, a bookmark or the way back from a sign-in, is led to the noun.
    """

    @wraps(view)
    def verb(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method in {"GET", "HEAD"}:
            return HttpResponseRedirect(noun(request.path))
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return view(request, *args, **kwargs)

    return verb


def noun(path: str) -> str:
    """The address one step above."""
    return path.rstrip("/").rpartition("/")[0] + "/"

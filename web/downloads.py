"""Files as answers of the API: their format is in their address."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from web.openapi import answers


class AnyFormat(DefaultContentNegotiation):
    """The format of a download is in its address, whatever the Accept header says."""

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002 -- the framework's signature
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,  # noqa: ARG002 -- the same
    ) -> tuple[BaseRenderer, str]:
        """The first renderer, for errors."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


def downloaded(media_type: str, kind: OpenApiTypes, *errors: int) -> dict[Any, Any]:
    """The `responses` of a download."""
    found = answers(kind, *errors)
    return {(200, media_type): found.pop(200), **found}


def plain(request: Request) -> HttpRequest:
    """Django's request below the REST framework's, with the same user."""
    request._request.user = request.user  # noqa: SLF001 -- the framework offers no public name for it
    return request._request  # noqa: SLF001 -- the same

"""One HTTP request to where somebody told us to send: no redirect, a time limit, and words without the address."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

TIMEOUT_SECONDS = 10


class Unsent(Exception):
    """It did not get there; the message says why, without a secret."""


class _Stay(HTTPRedirectHandler):
    """What is signed for one address is sent to no other."""

    def redirect_request(
        self, _req: Request, _fp: IO[bytes], _code: int, _msg: str, _headers: HTTPMessage, _newurl: str
    ) -> None:
        """None: the answer is an error."""


def send(method: str, address: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Raises Unsent unless it was taken (2xx)."""
    request = Request(address, data=body, headers=dict(headers), method=method)  # noqa: S310 -- of the settings, http(s)
    try:
        with build_opener(_Stay).open(request, timeout=TIMEOUT_SECONDS) as answer:
            answer.read(1)
    except HTTPError as error:
        raise Unsent(f"It answered {error.code}") from error
    except URLError as error:
        raise Unsent(f"It cannot be reached: {type(error.reason).__name__}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise Unsent(f"It did not answer: {type(error).__name__}") from error

"""How often a person, or an address, may do what costs something. One table of rates, one function."""

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from web.addresses import client_address
from web.errors import TooManyRequests

# For each group the rate, and who is counted.
RATES: dict[str, tuple[str, str]] = {
    "sign-in": ("30/m", "address"),
    "token": ("30/m", "address"),
    "submit": ("120/m", "person"),
    "check": ("240/m", "person"),
    "draft": ("240/m", "person"),
    "decide": ("12000/m", "person"),
    "rehearse": ("30/m", "person"),
    "download": ("120/m", "person"),
}


def limit(request: HttpRequest, group: str) -> None:
    """Count this request in `group`; raises TooManyRequests when there were too many in the window."""
    if not settings.PORTAL_RATE_LIMITS:
        return
    rate, counted = RATES[group]
    usage: dict[str, int] | None = get_usage(  # type: ignore[no-untyped-call]
        request, group=group, key=_by_address if counted == "address" else _by_person, rate=rate, increment=True
    )
    if usage is not None and usage["should_limit"]:
        seconds = max(1, int(usage["time_left"]))
        raise TooManyRequests(f"Too many requests. Try again in {seconds} seconds.", retry_after=seconds)


def _by_address(_group: str, request: HttpRequest) -> str:
    return f"address:{client_address(request)}"


def _by_person(_group: str, request: HttpRequest) -> str:
    return f"person:{request.user.pk}"

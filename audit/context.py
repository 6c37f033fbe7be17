"""What every entry says of the request it was made in; set once per request by the portal's middleware."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[dict[str, str] | None] = ContextVar("audit_request", default=None)


def current() -> dict[str, str]:
    """Facts of the present request (`request`, `address`), empty outside of one."""
    return _current.get() or {}


@contextmanager
def request_facts(**facts: str) -> Iterator[None]:
    """Put `facts` into every entry made inside."""
    token = _current.set(facts)
    try:
        yield
    finally:
        _current.reset(token)

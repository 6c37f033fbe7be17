"""What somebody typed as a user name, as it may be kept: now and then it is a password.

A name that is somebody's is kept as it is. Any other is kept as a keyed hash, by which repeated tries can be told, and
its length.
"""

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts.models import User
from audit import log

_DIGITS = 32


def typed_by(username: str) -> log.Subject:
    """Who it was meant to be, for the audit log."""
    user = _somebody(username)
    if user is not None:
        return log.Subject("user", str(user.pk), user.label)
    return log.Subject("user", _hash(username), f"an unknown name, {_length(username)}")


def name_for_axes(_request: HttpRequest, credentials: dict[str, str] | None) -> str:
    """The name that wrong passwords are counted under (`settings.AXES_USERNAME_CALLABLE`)."""
    username = str((credentials or {}).get("username", ""))
    return username if _somebody(username) else f"{_hash(username)} {_length(username)}"


def _somebody(username: str) -> User | None:
    return None if "\0" in username else User.objects.filter(username=username).first()


def _hash(username: str) -> str:
    value = username.encode("utf-8", "surrogatepass")
    digest = salted_hmac("accounts.unknown_name", value, algorithm="sha256").hexdigest()
    return f"unknown:{digest[:_DIGITS]}"


def _length(username: str) -> str:
    return f"{len(username):,} character" + ("" if len(username) == 1 else "s")

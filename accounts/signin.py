"""Who somebody is: one function behind the sign-in page and the token endpoint, so that both lock out and log alike."""

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest

from accounts.models import SYSTEM, User
from accounts.typed import typed_by
from audit import log
from web.errors import PortalError, TooManyRequests

LOCKED_SECONDS = 15 * 60
NAME_LENGTH = 150
KEPT = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_USER_AGENT", "PATH_INFO")


class WrongCredentials(PortalError):
    """No such person, a wrong password or a deactivated account; which one is not said."""

    status = 401
    code = "wrong_credentials"


def check_credentials(request: HttpRequest, *, username: str, password: str, door: str) -> User:
    """The person these credentials belong to. `door` is `page` or `api`.

    Raises TooManyRequests while the pair of user and address is locked out, WrongCredentials otherwise.
    """
    credentials = {"username": username, "password": password}
    # Neither can be anybody's, and the lock-out's table has no room for them.
    if "\0" in username + password or len(username) > NAME_LENGTH:
        _failed(username, door)
        raise WrongCredentials("The user name or the password is wrong.")
    bare = _without_what_was_sent(request)
    if not AxesProxyHandler.is_allowed(bare, credentials):
        _failed(username, door, locked=True)
        raise _locked()
    user = authenticate(bare, **credentials)
    if isinstance(user, User):
        return user
    _failed(username, door)
    if not AxesProxyHandler.is_allowed(bare, credentials):
        with transaction.atomic():
            data = {"door": door, "seconds": LOCKED_SECONDS}
            log.append(log.Action.LOCK_OUT, actor=SYSTEM, subject=typed_by(username), data=data)
        raise _locked()
    raise WrongCredentials("The user name or the password is wrong.")


def record_sign_in(user: User, *, door: str) -> None:
    """Write the audit entry of a sign-in."""
    with transaction.atomic():
        log.append(
            log.Action.SIGN_IN, actor=user, subject=log.Subject("user", str(user.pk), user.label), data={"door": door}
        )


def record_sign_out(user: User) -> None:
    """Write the audit entry of a sign-out."""
    with transaction.atomic():
        log.append(log.Action.SIGN_OUT, actor=user, subject=log.Subject("user", str(user.pk), user.label))


def _without_what_was_sent(request: HttpRequest) -> HttpRequest:
    """The request as the lock-out may keep it: who it is from, and nothing that somebody typed."""
    bare = HttpRequest()
    bare.method, bare.path, bare.path_info = request.method, request.path, request.path_info
    bare.META = {name: request.META[name] for name in KEPT if name in request.META}
    return bare


def _failed(username: str, door: str, *, locked: bool = False) -> None:
    data = {"door": door, **({"locked": True} if locked else {})}
    with transaction.atomic():
        log.append(log.Action.SIGN_IN_FAILED, actor=SYSTEM, subject=typed_by(username), data=data)


def _locked() -> TooManyRequests:
    return TooManyRequests(
        "Too many wrong passwords for this user from your address. Try again in 15 minutes, or ask an admin.",
        retry_after=LOCKED_SECONDS,
    )

"""Tokens, and who I am."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError

from accounts.models import User
from accounts.refresh import RefreshToken
from accounts.signin import NAME_LENGTH, check_credentials, record_sign_in
from accounts.tokens import NONSENSE, REFUSED, BearerAuthentication
from audit import log
from web.bodies import StrictSerializer, Text, View, read_body
from web.openapi import answers
from web.ratelimit import limit


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a program signs in with."""

    access: str
    refresh: str

    def json(self) -> dict[str, str]:
        """As it is answered."""
        return {"access": self.access, "refresh": self.refresh}


def issue(user: User) -> Tokens:
    """A new pair of tokens for a person who has just shown who they are."""
    refresh = RefreshToken.for_user(user)
    return Tokens(str(refresh.access_token), str(refresh))


@transaction.atomic
def renew(raw: str) -> Tokens:
    """A new pair for a refresh token, which is used up by it.

    Raises InvalidToken for a token that is not good (any more), and AuthenticationFailed for one of a person who was
    deactivated or has a new password since.
    """
    try:
        refresh = RefreshToken(raw)  # type: ignore[arg-type]  # its annotation forgets text
    except (TokenError, *NONSENSE) as error:
        raise InvalidToken(REFUSED) from error
    user = BearerAuthentication().get_user(refresh)
    assert isinstance(user, User)
    # Whoever blacklists first wins: two at once with the same token get one pair.
    used: Any = _use_up(refresh)
    if not used[1]:  # (the row, whether it is new)
        raise InvalidToken(REFUSED)
    tokens = issue(user)
    log.append(log.Action.TOKEN_REFRESH, actor=user, subject=log.Subject("user", str(user.pk), user.label))
    return tokens


def _use_up(refresh: RefreshToken) -> Any:
    try:
        return refresh.blacklist()
    except NONSENSE as error:
        raise InvalidToken(REFUSED) from error


# --- shapes ----------------------------------------------------------------------------------------


class Credentials(StrictSerializer):
    """Body of `auth/token/`."""

    username = Text(most=NAME_LENGTH)
    password = Text(write_only=True, bounds={"format": "password"})


class Refresh(StrictSerializer):
    """Body of `auth/token/refresh/`."""

    refresh = Text()


class TokenPair(serializers.Serializer[Tokens]):
    """`access` goes into `Authorization: Bearer …` for ten minutes; `refresh` gets the next pair, once."""

    access = serializers.CharField()
    refresh = serializers.CharField()


# --- views -----------------------------------------------------------------------------------------


class Token(View):
    """POST `auth/token/`."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="token", request=Credentials, responses=answers(TokenPair, 401, 429), auth=[], tags=["auth"]
    )
    def post(self, request: Request) -> Response:
        """Sign in: a pair of tokens for a user name and a password."""
        below = request._request  # noqa: SLF001 -- the framework offers no public name for it
        limit(below, "token")
        sent = read_body(Credentials(data=request.data))
        user = check_credentials(below, username=sent["username"], password=sent["password"], door="api")
        with transaction.atomic():
            # What a sign-in on the page does by its signal: wrong passwords before a right one are forgotten.
            AxesProxyHandler.user_logged_in(sender=User, request=below, user=user)
            tokens = issue(user)
            record_sign_in(user, door="api")
        return Response(tokens.json())


class TokenRefresh(View):
    """POST `auth/token/refresh/`."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="token_refresh", request=Refresh, responses=answers(TokenPair, 401, 429), auth=[], tags=["auth"]
    )
    def post(self, request: Request) -> Response:
        """The next pair of tokens; the one sent is used up."""
        limit(request._request, "token")  # noqa: SLF001 -- the framework offers no public name for it
        return Response(renew(read_body(Refresh(data=request.data))["refresh"]).json())

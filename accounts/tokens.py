"""Tokens that programs sign in with, read with suspicion: a signature says who wrote a claim, not that it is sane."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import DataError, connection
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.models import User
from web.rows import Row, columns, reader

REFUSED = "The token is expired, was used before, or is not one of ours. Sign in again."
ID_DIGITS = 18
# What the libraries below, and the database, raise for claims that are not of the kind they take for granted.
NONSENSE = (AttributeError, DataError, OverflowError, RecursionError, TypeError, ValueError)


class BearerAuthentication(JWTAuthentication):
    """`Authorization: Bearer …`. Whatever stands in the token, the answer is a person or 401."""

    def get_validated_token(self, raw_token: bytes) -> Token:
        """The token. Raises InvalidToken."""
        try:
            return super().get_validated_token(raw_token)
        except NONSENSE as error:
            raise InvalidToken(REFUSED) from error

    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]  # narrower than a type variable that nothing binds
        """The person. Raises InvalidToken for an id that is none, AuthenticationFailed for whoever may not come in."""
        claim = validated_token.get(api_settings.USER_ID_CLAIM)
        if not _is_id(claim):
            raise InvalidToken(REFUSED)
        user = _by_key(int(claim))
        if user is None:
            raise AuthenticationFailed("There is no such person.", code="user_not_found")
        if not user.is_active:
            raise AuthenticationFailed("The account is deactivated.", code="user_inactive")
        if validated_token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
            raise AuthenticationFailed("The password has been changed. Sign in again.", code="password_changed")
        return user


class BearerScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]  # it registers itself
    """How the schema describes it: as the class that it is built on."""

    target_class = "accounts.tokens.BearerAuthentication"


@cache
def _read() -> tuple[str, Callable[[Row], User | None]]:
    return f"SELECT {', '.join(columns(User, 'person'))} FROM users AS person WHERE person.id = %s", reader(User)  # noqa: S608


def _by_key(key: int) -> User | None:
    statement, read = _read()
    with connection.cursor() as cursor:
        cursor.execute(statement, [key])
        row = cursor.fetchone()
    return None if row is None else read(row)


def _is_id(claim: Any) -> bool:
    """Whether it is a key as we write them: the digits of a whole number, as text."""
    return isinstance(claim, str) and claim.isascii() and claim.isdigit() and len(claim) <= ID_DIGITS

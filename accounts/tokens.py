"""Tokens that programs sign in with, read with suspicion: a signature says who wrote a claim, not that it is sane."""

from typing import Any

from django.db import DataError
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token

from accounts.models import User

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
        user = super().get_user(validated_token)
        assert isinstance(user, User)
        return user


class BearerScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]  # it registers itself
    """How the schema describes it: as the class that it is built on."""

    target_class = "accounts.tokens.BearerAuthentication"


def _is_id(claim: Any) -> bool:
    """Whether it is a key as we write them: the digits of a whole number, as text."""
    return isinstance(claim, str) and claim.isascii() and claim.isdigit() and len(claim) <= ID_DIGITS

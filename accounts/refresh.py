"""Refresh tokens, of which the portal keeps a hash: who reads the table, or a backup, has no token.

The package's tables stay: an outstanding row for each token that was given out, a blacklisted one once it was used.
Unlike the package, a token without its row is refused.
"""

from __future__ import annotations

import hashlib
from typing import Any

from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import BlacklistMixin
from rest_framework_simplejwt.tokens import RefreshToken as StockRefreshToken
from rest_framework_simplejwt.utils import datetime_from_epoch


def fingerprint(token: str) -> str:
    """What is stored of a token: it holds a random id and a signature, so a plain hash tells nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


class RefreshToken(StockRefreshToken):
    """A token that gets the next pair, once."""

    @classmethod
    def for_user(cls, user: Any) -> RefreshToken:  # the package takes users of any kind
        """A new token, with its row."""
        # Past the package's own `for_user`, which would store the text.
        token: RefreshToken = super(BlacklistMixin, cls).for_user(user)
        OutstandingToken.objects.create(
            user=user,
            jti=token[api_settings.JTI_CLAIM],
            token=fingerprint(str(token)),
            created_at=token.current_time,
            expires_at=datetime_from_epoch(token["exp"]),
        )
        return token

    def outstand(self) -> OutstandingToken | None:
        """The row of this token, None when there is none: nothing makes one afterwards."""
        # The text as it came: one that only decodes to the same is not the one that was given out.
        text = str(self.token or self)
        return OutstandingToken.objects.filter(jti=self[api_settings.JTI_CLAIM], token=fingerprint(text)).first()

    def blacklist(self) -> tuple[BlacklistedToken | None, bool]:  # type: ignore[override]  # the stubs forget a half
        """Use the token up: the row that says so, and whether it is new; neither for a token without a row."""
        row = self.outstand()
        return (None, False) if row is None else BlacklistedToken.objects.get_or_create(token=row)

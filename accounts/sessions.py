"""Sessions as Django keeps them in the database, but for their keys: who reads the table, or a backup, has no cookie.

A row is found by a keyed hash of what is in the cookie. `settings.SESSION_ENGINE` names this module.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.backends import db
from django.utils import timezone
from django.utils.crypto import salted_hmac

if TYPE_CHECKING:
    from django.contrib.sessions.base_session import AbstractBaseSession

# 240 bits fill Django's column of 40 characters; a key has 165.
_BYTES = 30


def stored_key(session_key: str) -> str:
    """What stands in the table for the key in a cookie."""
    digest = salted_hmac("accounts.sessions", session_key, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest[:_BYTES]).decode()


class SessionStore(db.SessionStore):
    """Django's own store, at each point where a key meets the table."""

    def exists(self, session_key: str) -> bool:
        """Whether a key is in use."""
        return super().exists(stored_key(session_key))

    async def aexists(self, session_key: str) -> bool:
        """The same."""
        return await super().aexists(stored_key(session_key))

    def create_model_instance(self, data: Any) -> AbstractBaseSession:
        """The row to save."""
        row = super().create_model_instance(data)
        row.session_key = stored_key(row.session_key)
        return row

    async def acreate_model_instance(self, data: Any) -> AbstractBaseSession:
        """The same."""
        row: AbstractBaseSession = await super().acreate_model_instance(data)
        row.session_key = stored_key(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """Delete the row of a key, or of this session."""
        key = session_key or self.session_key
        if key:
            super().delete(stored_key(key))

    async def adelete(self, session_key: str | None = None) -> None:
        """The same."""
        key = session_key or self.session_key
        if key:
            await super().adelete(stored_key(key))

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        found: AbstractBaseSession | None = self._rows().first()
        if found is None:
            self._session_key = None
        return found

    async def _aget_session_from_db(self) -> AbstractBaseSession | None:
        found: AbstractBaseSession | None = await self._rows().afirst()
        if found is None:
            self._session_key = None
        return found

    def _rows(self) -> Any:
        key = stored_key(self.session_key) if self.session_key else ""
        return self.model.objects.filter(session_key=key, expire_date__gt=timezone.now())

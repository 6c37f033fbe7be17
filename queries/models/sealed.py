"""Rows that hold what may quote data: sealed, and bound to the place they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from django.db import connection, models

from queries import vault


class Sealed(models.Model):
    """`data` is 12 bytes of nonce, the ciphertext, 16 bytes of tag; `key_id` names the key that opens it."""

    key_id = models.CharField(max_length=40, editable=False)
    data = models.BinaryField(editable=False)

    class Meta:
        abstract = True

    @property
    def place(self) -> bytes:
        """What the seal is bound to: it opens in no other row."""
        raise NotImplementedError

    def unsealed(self) -> bytes:
        """What was sealed. Raises vault.Unreadable."""
        return vault.unseal(self.key_id, bytes(self.data), self.place)

    @classmethod
    def copy_in(cls, rows: Iterable[Self]) -> None:
        """Store new rows by COPY: ten thousand take a tenth of the second that `bulk_create` takes."""
        fields = [field for field in cls._meta.local_concrete_fields if not field.primary_key]
        names = ", ".join(str(field.column) for field in fields)
        statement = f"COPY {cls._meta.db_table} ({names}) FROM STDIN"
        with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as stream:
            for row in rows:
                stream.write_row([getattr(row, field.attname) for field in fields])

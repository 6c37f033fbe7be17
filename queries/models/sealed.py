"""Rows that hold what may quote data: sealed, and bound to the place they belong to."""

from __future__ import annotations

from django.db import models

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

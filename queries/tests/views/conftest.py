"""The pages' tests ask as people who are signed in."""

from __future__ import annotations

from queries.tests.conftest import SignedIn

__all__ = ["SignedIn"]

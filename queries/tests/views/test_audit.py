"""Verifying the audit log from its page: in a transaction of its own, so on the committed database."""

from __future__ import annotations

from audit.models import AuditLog
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World


def test_verifying_says_that_the_log_is_whole_and_is_recorded(committed: World, client_of: SignedIn) -> None:
    committed.submitted()
    assert "The log is whole" in client_of(committed.auditor).post("/audit/verify/").content.decode()
    assert AuditLog.objects.filter(action="audit.verify", actor=committed.auditor).exists()

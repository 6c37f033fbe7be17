"""Words PostgreSQL cannot hold do not keep an act out of the audit log."""

import json

import pytest
from django.db import transaction

from audit import log
from audit.models import AuditLog
from audit.verification import verify_log
from queries.tests.world import World


@pytest.mark.parametrize("word", ["\0", "\ud800", "a\0b\udfff", "é😀"])
def test_any_text_gets_into_the_log_and_the_chain_holds(committed: World, word: str) -> None:
    with transaction.atomic():
        subject = log.Subject("user", word, word)
        entry = log.append(log.Action.SIGN_IN_FAILED, actor=committed.author, subject=subject, data={"word": word})
    assert json.loads(AuditLog.objects.get(seq=entry.seq).data) == {"word": word}
    assert verify_log().fault is None

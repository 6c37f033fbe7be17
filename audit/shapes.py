"""Entries and verdicts as JSON, and their shapes for the OpenAPI schema."""

from __future__ import annotations

import json
from typing import Any

from rest_framework import serializers

from audit import chain, log
from audit.models import AuditLog
from web.paging import CURSOR

HASH = "^[0-9a-f]{64}$"


class SubjectShape(serializers.Serializer[AuditLog]):
    """What was acted on."""

    kind = serializers.CharField()
    id = serializers.CharField(allow_blank=True)
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # collected before the framework sets its own


class EntryShape(serializers.Serializer[AuditLog]):
    """One entry. `actor` is null for the portal itself; hashes are hexadecimal SHA-256."""

    seq = serializers.IntegerField(min_value=1)
    at = serializers.DateTimeField()
    actor = serializers.CharField(allow_null=True)
    actor_label = serializers.CharField()
    action = serializers.ChoiceField(choices=[action.value for action in log.Action])
    subject = SubjectShape()
    data = serializers.DictField()  # type: ignore[assignment]  # the same
    previous_hash = serializers.RegexField(HASH)
    hash = serializers.RegexField(HASH)


class EntriesShape(serializers.Serializer[object]):
    """A page of the log."""

    results = EntryShape(many=True)
    next = serializers.RegexField(CURSOR, allow_null=True)


class FaultShape(serializers.Serializer[chain.Fault]):
    """The first entry that does not hold, and why."""

    seq = serializers.IntegerField(min_value=1)
    reason = serializers.CharField()


class VerdictShape(serializers.Serializer[chain.Verdict]):
    """What a check of the log found; `head` is the last good hash, hexadecimal. `signed` entries are covered by a
    checkpoint that holds; `begun` were not read, for an earlier check had come that far; the first `archived` of them
    are not in the database any more."""

    valid = serializers.BooleanField()
    entries = serializers.IntegerField(min_value=0)
    signed = serializers.IntegerField(min_value=0)
    begun = serializers.IntegerField(min_value=0)
    archived = serializers.IntegerField(min_value=0)
    head = serializers.RegexField(HASH)
    fault = FaultShape(allow_null=True)


def entry_json(entry: AuditLog) -> dict[str, object]:
    """An entry as it is answered."""
    person: Any = entry.actor
    return {
        "seq": entry.seq,
        "at": entry.at,
        "actor": person.get_username() if person is not None else None,
        "actor_label": entry.actor_label,
        "action": entry.action,
        "subject": {"kind": entry.subject_kind, "id": entry.subject_id, "label": entry.subject_label},
        "data": json.loads(entry.data),
        "previous_hash": bytes(entry.previous_hash).hex(),
        "hash": bytes(entry.hash).hex(),
    }


def verdict_json(verdict: chain.Verdict) -> dict[str, object]:
    """A verdict as it is answered."""
    fault = verdict.fault
    return {
        "valid": fault is None,
        "entries": verdict.entries,
        "signed": verdict.signed,
        "begun": verdict.begun,
        "archived": verdict.archived,
        "head": verdict.head.hex(),
        "fault": None if fault is None else {"seq": fault.seq, "reason": fault.reason},
    }

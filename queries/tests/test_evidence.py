"""The evidence of a request: what is in it, for whom, and that nothing of it can be changed unnoticed."""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

import verify_evidence
from accounts.models import User
from audit import checkpoints, keys
from audit.models import Archive, AuditLog, Checkpoint
from queries import services
from queries.evidence import evidence
from queries.models import QueryRequest
from queries.tests.conftest import SignedIn
from queries.tests.world import World
from verify_evidence import Wrong, packed

Parts = dict[str, bytes]


def taken(query: QueryRequest, reader: User) -> bytes:
    return evidence(actor=reader, query=QueryRequest.objects.get(pk=query.pk)).content


def parts_of(data: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def told(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(parts_of(data)["request.json"])
    return found


def fault(data: bytes, *kept: verify_evidence.Checkpoint) -> str:
    """What the verifier says, "" when everything holds."""
    try:
        verify_evidence.checked_evidence(io.BytesIO(data), "file", trusted(), kept)
    except Wrong as wrong:
        return str(wrong)
    return ""


def trusted() -> verify_evidence.Keys:
    return verify_evidence.Keys(dict(keys.public_keys()))


def pending(world: World) -> QueryRequest:
    return world.submitted("SELECT 'ünï 😀' AS one", reason="why\n<script>alert(1)</script>", ticket="T-1")


def executed(world: World) -> QueryRequest:
    return world.executed("SELECT id, tag FROM effects ORDER BY id")


def rehearsed(world: World) -> QueryRequest:
    query = world.insert("evidence", expects=1)
    services.rehearse(actor=world.reviewer, query_id=query.pk, digest=query.digest)
    return services.approve(actor=world.reviewer, query_id=query.pk, digest=query.digest, comment="fine")


def failed(world: World) -> QueryRequest:
    return world.executed("SELECT 1/0")


def rejected(world: World) -> QueryRequest:
    query = world.submitted()
    return services.reject(actor=world.reviewer, query_id=query.pk, comment="no", ask_for_changes=True)


def withdrawn(world: World) -> QueryRequest:
    query = world.submitted()
    return services.withdraw(actor=world.author, query_id=query.pk)


def twice_approved(world: World) -> QueryRequest:
    world.change_target(approvals_required=2)
    query = world.submitted()
    world.approved(query)
    return world.approved(query, by=world.second_reviewer)


def undone(world: World) -> QueryRequest:
    query = services.undo(actor=world.author, query_id=rehearsed(world).pk)
    return world.approved(query)


def with_parameters(world: World) -> QueryRequest:
    return world.executed("SELECT $1::int + $2::numeric", parameters=(7, 1.5))


def commented(world: World) -> QueryRequest:
    query = world.submitted("SELECT 1\nAS one")
    services.comment(actor=world.reviewer, query_id=query.pk, text="Why?\n<b>", line=2)
    services.comment(actor=world.author, query_id=query.pk, text="Because.")
    return query


MADE: list[Callable[[World], QueryRequest]] = [
    pending, executed, rehearsed, failed, rejected, withdrawn, twice_approved, undone, with_parameters, commented,
]  # fmt: skip


@pytest.mark.parametrize("make", MADE)
def test_whatever_became_of_it_its_evidence_holds(make: Callable[[World], QueryRequest], world: World) -> None:
    query = make(world)
    for reader in (world.author, world.reviewer, world.auditor):
        assert fault(taken(query, reader)) == ""


def test_it_holds_what_was_asked_decided_and_done(world: World) -> None:
    query = rehearsed(world)
    said = told(taken(query, world.reviewer))
    assert said["statement"] == query.statement
    assert sha256(said["digest_form"].encode()).hexdigest() == said["digest"] == query.digest
    assert said["verified"] == query.verified
    assert said["findings"] == query.findings
    (decision,) = said["decisions"]
    assert (decision["reviewer"], decision["digest"]) == ("reviewer", query.digest)
    assert decision["bound"] == query.decisions.get().bound
    assert said["rehearsals"][0]["effect"]["total"] == 1
    assert said["execution"]["effect"]["total"] == 1
    lines = [json.loads(line) for line in parts_of(taken(query, world.author))["log.jsonl"].splitlines()]
    actions = [line["entry"]["action"] for line in lines if "entry" in line]
    assert actions == [
        "query.submit", "query.rehearse", "query.approve", "query.claim", "query.complete", "query.evidence",
        "query.evidence",
    ]  # fmt: skip


def test_what_people_said_about_it_is_in_it(world: World) -> None:
    said = told(taken(commented(world), world.author))["comments"]
    assert [(comment["author"], comment["text"], comment["line"]) for comment in said] == [
        ("reviewer", "Why?\n<b>", 2),
        ("author", "Because.", None),
    ]


def test_taking_it_is_an_entry(world: World) -> None:
    data = taken(world.submitted(), world.author)
    entry = AuditLog.objects.first()
    assert entry is not None
    assert (entry.action, entry.actor_label) == ("query.evidence", world.author.label)
    assert json.loads(entry.data)["manifest"] == sha256(parts_of(data)["manifest.json"]).hexdigest()


def test_the_result_is_there_by_its_digest_and_no_row_is(world: World) -> None:
    query = world.executed("SELECT 'a secret ' || n AS told FROM generate_series(1, 300) AS n")
    data = taken(query, world.author)
    rows = b"".join(chunk.unsealed() for chunk in query.execution.chunks.order_by("number"))
    assert told(data)["execution"]["result_digest"] == sha256(rows).hexdigest()
    assert b"a secret 7" not in data


def test_the_words_of_a_failure_are_not_in_it(world: World) -> None:
    query = world.executed("SELECT ('a secret ' || n)::int FROM generate_series(1, 3) AS n")
    said = told(taken(query, world.author))
    assert (said["execution"]["failure"], said["execution"]["sqlstate"]) == ("ERROR", "22P02")
    assert "invalid input syntax" not in json.dumps(said)


def test_what_only_reviewers_see_is_withheld_from_others(world: World) -> None:
    query = world.insert("withheld")
    services.rehearse(actor=world.reviewer, query_id=query.pk, digest=query.digest)
    assert len(told(taken(query, world.reviewer))["rehearsals"]) == 1
    for reader in (world.author, world.colleague, world.auditor):
        said = told(taken(query, reader))
        assert (said["rehearsals"], said["plan"]) == (None, None)
        assert said["rehearsals_note"]
        assert said["plan_note"]


def test_a_target_that_was_changed_since_leaves_the_digest_as_it_was(world: World) -> None:
    query = world.submitted()
    world.change_target(search_path="elsewhere")
    data = taken(query, world.author)
    assert fault(data) == ""
    assert told(data)["target"]["search_path"] != "elsewhere"


def test_the_page_in_it_asks_for_nothing_and_runs_nothing(world: World) -> None:
    page = parts_of(taken(pending(world), world.author))["summary.html"].decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "src=" not in page
    assert "href=" not in page
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page


# --- who -------------------------------------------------------------------------------------------

WHO = [("author", 200), ("colleague", 200), ("reviewer", 200), ("auditor", 200), ("admin", 200), ("outsider", 404)]


@pytest.mark.parametrize(("name", "status"), WHO)
def test_it_is_for_those_who_may_see_the_request(name: str, status: int, world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    client = client_of(getattr(world, name))
    for prefix in ("/queries/", "/api/v1/queries/"):
        answer = client.get(f"{prefix}{query.public_id}/evidence/")
        assert answer.status_code == status
        if status == 200:
            assert answer["Content-Type"] == "application/zip"
            assert answer["Content-Disposition"] == f'attachment; filename="{query.number}-evidence.zip"'
            assert fault(answer.content) == ""


def test_a_portal_without_a_key_gives_none_and_says_why(world: World, client_of: SignedIn, settings: Any) -> None:
    query = world.submitted()
    settings.PORTAL_AUDIT_KEY = None
    entries = AuditLog.objects.count()
    answer = client_of(world.author).get(f"/api/v1/queries/{query.public_id}/evidence/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_key")
    assert AuditLog.objects.count() == entries


def test_of_a_request_whose_entries_were_archived_it_is_said_where_they_are(world: World, client_of: SignedIn) -> None:
    query = world.submitted()

    def asked_when_archived_until(moment: dt.datetime) -> Any:
        number = Archive.objects.count()
        file = f"/archive/{number}.gz"
        Archive.objects.create(last=number, first=0, ends_at=moment, head=b"", leaves=b"", file=file, sha256="")
        return client_of(world.author).get(f"/api/v1/queries/{query.public_id}/evidence/")

    assert asked_when_archived_until(query.submitted_at).status_code == 200
    entries = AuditLog.objects.count()
    answer = asked_when_archived_until(query.submitted_at + dt.timedelta(days=1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "archived")
    assert "/archive/1.gz" in answer.json()["error"]["message"]
    assert AuditLog.objects.count() == entries


def test_a_log_that_does_not_hold_signs_nothing(world: World, client_of: SignedIn, monkeypatch: Any) -> None:
    query = world.submitted()

    def broken(*_: object, **__: object) -> None:
        raise checkpoints.Broken("entry 1: it is not what it was")

    monkeypatch.setattr(checkpoints, "make", broken)
    answer = client_of(world.author).get(f"/api/v1/queries/{query.public_id}/evidence/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "log_broken")


# --- what somebody could do to it ------------------------------------------------------------------


@pytest.fixture
def honest(world: World) -> bytes:
    query = world.executed()
    checkpoints.make(up_to=AuditLog.objects.count())
    return taken(query, world.author)


def lines_in(parts: Parts) -> list[dict[str, Any]]:
    return [json.loads(line) for line in parts["log.jsonl"].splitlines()]


def with_lines(parts: Parts, lines: list[dict[str, Any]]) -> bytes:
    return packed(parts | {"log.jsonl": b"".join(verify_evidence.canonical(line) + b"\n" for line in lines)})


def test_every_byte_counts(honest: bytes) -> None:
    chance, unnoticed = random.Random(4), []
    for place in range(len(honest)):
        other = bytearray(honest)
        other[place] ^= chance.randrange(1, 256)
        if not fault(bytes(other)):
            unnoticed.append(place)
    assert unnoticed == []


@pytest.mark.parametrize("name", verify_evidence.PARTS)
def test_a_change_that_is_packed_anew_is_named_with_its_part(name: str, honest: bytes) -> None:
    parts, chance, unnoticed = parts_of(honest), random.Random(5), []
    places = range(len(parts[name]))
    for place in chance.sample(places, min(len(places), 400)):
        other = bytearray(parts[name])
        other[place] ^= chance.randrange(1, 256)
        if name not in fault(packed(parts | {name: bytes(other)})):
            unnoticed.append(place)
    assert unnoticed == []


def test_a_manifest_made_anew_is_not_the_one_of_the_log(honest: bytes) -> None:
    """All parts fit each other again, but for the one that is signed."""
    parts = parts_of(honest)
    parts["request.json"] = parts["request.json"].replace(b"to see what is there", b"to see what is here!")
    manifest = json.loads(parts["manifest.json"])
    manifest["files"]["request.json"] = sha256(parts["request.json"]).hexdigest()
    parts["manifest.json"] = verify_evidence.canonical(manifest)
    assert "manifest.json: no audit entry tells of it" in fault(packed(parts))


def test_an_entry_left_out_is_named(honest: bytes) -> None:
    parts = parts_of(honest)
    lines = lines_in(parts)
    listed = json.loads(parts["manifest.json"])["entries"]
    for number, seq in enumerate(listed):
        assert f"entry {seq} is missing" in fault(with_lines(parts, lines[:number] + lines[number + 1 :]))


def test_entries_in_another_order_are_named(honest: bytes) -> None:
    parts = parts_of(honest)
    lines = lines_in(parts)
    lines[0], lines[1] = lines[1], lines[0]
    assert "it is reordered" in fault(with_lines(parts, lines))


def test_an_entry_of_another_request_is_named(honest: bytes, world: World) -> None:
    parts, others = parts_of(honest), parts_of(taken(world.submitted(), world.author))
    lines = lines_in(parts) + lines_in(others)
    lines.sort(key=lambda line: line["entry"]["seq"] if "entry" in line else 2**60 + line["checkpoint"]["number"])
    unique = [line for number, line in enumerate(lines) if line not in lines[:number]]
    assert "it is about something else than this request" in fault(with_lines(parts, unique))


def test_an_entry_hashed_anew_is_in_no_checkpoint(honest: bytes) -> None:
    parts = parts_of(honest)
    lines = lines_in(parts)
    entry = lines[1]["entry"]
    entry["actor_label"] = "Somebody else"
    entry["hash"] = verify_evidence.entry_of(entry, "").expected_hash(entry["previous_hash"])
    assert f"entry {entry['seq']}: it is not among the entries" in fault(with_lines(parts, lines))


def test_a_checkpoint_signed_with_another_key_is_named(honest: bytes) -> None:
    parts = parts_of(honest)
    lines = lines_in(parts)
    body = verify_evidence.canonical(lines[-1]["checkpoint"])
    stranger = Ed25519PrivateKey.generate()
    lines[-1]["signature"] = stranger.sign(verify_evidence.CONTEXT + body).hex()
    assert "its signature does not hold" in fault(with_lines(parts, lines))


def test_a_replayed_checkpoint_is_named(honest: bytes) -> None:
    parts = parts_of(honest)
    lines = lines_in(parts)
    assert "it is replayed" in fault(with_lines(parts, [*lines, lines[-1]]))


def test_it_is_held_against_a_kept_checkpoint(honest: bytes) -> None:
    own = [line for line in lines_in(parts_of(honest)) if "checkpoint" in line]
    kept = [verify_evidence.checkpoint_line(line, trusted(), "kept") for line in own]
    assert fault(honest, *kept) == ""
    other = verify_evidence.Checkpoint(**{**vars(kept[0]), "hash": "0" * 64})
    assert "it is not the one that was kept" in fault(honest, other)


def test_nothing_that_only_looks_like_a_zip_breaks_it(honest: bytes) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        for name in verify_evidence.PARTS:
            file.writestr(name, bytes(10_000_000))
    doubled = io.BytesIO(honest)
    with zipfile.ZipFile(doubled, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("log.jsonl", b"")
    huge = bytearray(honest)
    huge[18:26] = b"\xff" * 8
    ones = dict.fromkeys(verify_evidence.PARTS, b"{}")
    deep = dict.fromkeys(verify_evidence.PARTS, b"[" * 100000)
    for data in (bomb.getvalue(), doubled.getvalue(), bytes(huge), packed(ones), packed(deep), honest + b"\0"):
        assert fault(data)
    for end in range(0, len(honest), 101):
        assert fault(honest[:end])


def test_the_command_verifies_the_file_alone(honest: bytes, tmp_path: Path) -> None:
    file, key = tmp_path / "evidence.zip", tmp_path / "key.pem"
    file.write_bytes(honest)
    key.write_text(keys.pem())
    assert verify_evidence.main([str(file), "--key", str(key)]) == 0
    file.write_bytes(honest.replace(b"to see what is there", b"to see what is here!"))
    assert verify_evidence.main([str(file), "--key", str(key)]) == 1
    assert verify_evidence.main([str(tmp_path / "nothing"), "--key", str(key)]) == 1


def test_more_entries_than_one_checkpoint_covers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "MOST_COVERED", 3)
    assert fault(taken(world.executed(), world.author)) == ""
    assert Checkpoint.objects.count() > 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(seq - coalesce((body::json->>'first')::int, 0)) FROM audit_checkpoints")
        assert cursor.fetchone()[0] == 2

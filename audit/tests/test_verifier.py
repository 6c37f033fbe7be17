"""`verify_evidence.py` on logs and dumps: what is wrong is named, and nothing breaks it."""

from __future__ import annotations

import copy
import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import verify_evidence
from audit.tests.made import Line, Maker, as_dump, hash_of, made, point_hash, rechained, signed, written
from verify_evidence import Wrong

PROGRAM = Path(verify_evidence.__file__)


def lines_of(maker: Maker) -> list[Line]:
    return copy.deepcopy(maker.lines)


def entry(lines: list[Line], seq: int) -> Line:
    found: Line = next(line["entry"] for line in lines if "entry" in line and line["entry"]["seq"] == seq)
    return found


@pytest.mark.parametrize("write", [written, as_dump])
def test_an_honest_log_holds(write: Callable[[list[Line]], bytes], honest: Maker, check: Callable[..., str]) -> None:
    assert check(write(honest.lines)) == ""
    for line in honest.lines:
        if "checkpoint" in line:
            assert check(write(honest.lines), line) == ""


def test_the_command_says_so_and_how_much_is_signed(honest: Maker, tmp_path: Path) -> None:
    log, key = tmp_path / "log.jsonl", honest.public(tmp_path / "key.pem")
    log.write_bytes(written(honest.lines))
    command = [sys.executable, "-I", str(PROGRAM), str(log), "--key", str(key)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "12 entries hold, signed up to entry 10" in ended.stdout
    assert "The last 2 are newer" in ended.stdout
    log.write_bytes(written(honest.lines).replace(b"approve", b"reject!", 1))
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "line 1: entry 1: its content does not match its hash" in ended.stderr


# --- what somebody with the database could do ------------------------------------------------------


def changed(lines: list[Line]) -> None:
    entry(lines, 4)["actor_label"] = "Nobody"


def changed_and_hashed(lines: list[Line]) -> None:
    changed(lines)
    entry(lines, 4)["hash"] = hash_of(entry(lines, 4))


def changed_and_all_hashed(lines: list[Line]) -> None:
    changed(lines)
    rechained(lines)


def removed(lines: list[Line]) -> None:
    lines.remove({"entry": entry(lines, 4)})


def removed_and_all_hashed(lines: list[Line]) -> None:
    removed(lines)
    for number, line in enumerate((line for line in lines if "entry" in line), start=1):
        line["entry"]["seq"] = number
    rechained(lines)


def swapped(lines: list[Line]) -> None:
    lines[2], lines[3] = lines[3], lines[2]


def doubled(lines: list[Line]) -> None:
    lines.insert(4, lines[3])


def back_dated(lines: list[Line]) -> None:
    entry(lines, 12)["at"] = "2025-12-31T00:00:00.000000Z"
    rechained(lines)


NAMED: list[tuple[Callable[[list[Line]], None], str]] = [
    (changed, "entry 4: its content does not match its hash"),
    (changed_and_hashed, "entry 4 was changed and hashed anew"),
    (changed_and_all_hashed, "checkpoint 1: it"),
    (removed, "entry 4 is missing"),
    (removed_and_all_hashed, "checkpoint 1: it"),
    (doubled, "entry 4"),
    (back_dated, "entry 12 is back-dated"),
]


@pytest.mark.parametrize(("act", "named"), NAMED, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("write", [written, as_dump])
def test_what_was_done_to_the_log_is_named(
    write: Callable[[list[Line]], bytes],
    act: Callable[[list[Line]], None],
    named: str,
    honest: Maker,
    check: Callable[..., str],
) -> None:
    lines = lines_of(honest)
    act(lines)
    assert named in check(write(lines))


def test_reordered_entries_are_named_in_an_export(honest: Maker, check: Callable[..., str]) -> None:
    lines = lines_of(honest)
    swapped(lines)
    assert "entry 3 is out of order: it stands at line 4" in check(written(lines))


def test_a_dump_may_hold_its_rows_in_any_order(honest: Maker, check: Callable[..., str]) -> None:
    assert check(as_dump(honest.lines, order=lambda entries: entries[::-1])) == ""


@pytest.mark.parametrize("write", [written, as_dump])
def test_what_was_cut_off_the_end_is_told_by_any_kept_checkpoint(
    write: Callable[[list[Line]], bytes], honest: Maker, check: Callable[..., str]
) -> None:
    first, second = (line for line in honest.lines if "checkpoint" in line)
    up_to_seven = honest.lines[:8]
    assert check(write(up_to_seven)) == ""
    assert check(write(up_to_seven), first) == ""
    assert "entry 8 is missing: the log ends at entry 7" in check(write(up_to_seven), second)
    assert "entry 8 is missing" in check(write(up_to_seven), first, second)
    # All its entries, and a checkpoint the less.
    assert "checkpoint 2 is missing" in check(write([*honest.lines[:11]]), second)


def test_a_log_written_anew_with_the_key_contradicts_a_kept_checkpoint(
    honest: Maker, check: Callable[..., str]
) -> None:
    other = Maker(key=honest.key)
    for _ in range(10):
        other.entry(actor_label="Nobody")
    other.checkpoint()
    assert check(written(other.lines)) == ""
    kept = honest.lines[5]
    assert "signs another log" in check(written(other.lines), kept)


# --- checkpoints -----------------------------------------------------------------------------------


def other_key(lines: list[Line]) -> None:
    stranger = Ed25519PrivateKey.generate()
    lines[5] = signed(lines[5]["checkpoint"], stranger)


def other_keys_id(lines: list[Line]) -> None:
    stranger = Ed25519PrivateKey.generate()
    body = lines[5]["checkpoint"] | {"key": verify_evidence.sha256(stranger.public_key().public_bytes_raw())[:16]}
    lines[5] = signed(body, stranger)


def replayed(lines: list[Line]) -> None:
    lines[11] = lines[5]


def left_out(lines: list[Line]) -> None:
    del lines[5]


def all_left_out(lines: list[Line]) -> None:
    lines[:] = [line for line in lines if "entry" in line]


CHECKPOINTS: list[tuple[Callable[[list[Line]], None], str]] = [
    (other_key, "checkpoint 1: its signature does not hold"),
    (other_keys_id, "which is not among those given"),
    (replayed, "checkpoint 1: it stands where checkpoint 2 should"),
    (left_out, "checkpoint 2: it stands where checkpoint 1 should"),
    (all_left_out, "there is no checkpoint: nobody has signed these 12 entries"),
]


@pytest.mark.parametrize(("act", "named"), CHECKPOINTS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("write", [written, as_dump])
def test_what_was_done_to_a_checkpoint_is_named(
    write: Callable[[list[Line]], bytes],
    act: Callable[[list[Line]], None],
    named: str,
    honest: Maker,
    check: Callable[..., str],
) -> None:
    lines = lines_of(honest)
    act(lines)
    said = check(write(lines))
    # In a table, a row that is there twice is the same row.
    assert named in said or (write is as_dump and act is replayed and "checkpoint 1" in said)


SAID: list[tuple[dict[str, Any], str]] = [
    ({"seq": 11}, "it speaks of"),
    ({"first": 7}, "it begins at entry 7"),
    ({"number": 3}, "it stands where checkpoint 2 should"),
    ({"previous": "0" * 64}, "it does not continue"),
    ({"log": "0" * 64}, "of another log"),
    ({"head": "0" * 64}, "it signs other entries"),
    ({"root": "0" * 64}, "it signs other entries"),
    ({"at": "2020-01-01T00:00:00.000000Z"}, "back-dated"),
    ({"version": 2}, "of version 2"),
]


@pytest.mark.parametrize(("said", "named"), SAID, ids=lambda value: "-".join(value) if isinstance(value, dict) else "")
def test_a_signed_lie_is_found(said: dict[str, Any], named: str, tmp_path: Path) -> None:
    maker = made(5)
    for _ in range(5):
        maker.entry()
    maker.checkpoint(**said)
    for write in (written, as_dump):
        (tmp_path / "file").write_bytes(write(maker.lines))
        with pytest.raises(Wrong, match=named):
            verify_evidence.verified(str(tmp_path / "file"), [str(maker.public(tmp_path / "key.pem"))])


def test_an_entry_long_before_the_checkpoint_it_follows_is_back_dated(tmp_path: Path) -> None:
    maker = made(4)
    maker.now += dt.timedelta(days=30)
    maker.checkpoint()
    maker.now -= dt.timedelta(days=29)
    maker.entry()
    (tmp_path / "file").write_bytes(written(maker.lines))
    with pytest.raises(Wrong, match="entry 5 is back-dated: checkpoint 1"):
        verify_evidence.verified(str(tmp_path / "file"), [str(maker.public(tmp_path / "key.pem"))])


def test_keys_of_before_are_given_besides(tmp_path: Path) -> None:
    maker = made(5)
    older = maker.public(tmp_path / "older.pem")
    maker.key = Ed25519PrivateKey.generate()
    maker.entry()
    maker.checkpoint()
    newer = maker.public(tmp_path / "newer.pem")
    (tmp_path / "file").write_bytes(written(maker.lines))
    assert "6 entries hold" in verify_evidence.verified(str(tmp_path / "file"), [str(older), str(newer)])
    both = tmp_path / "both.pem"
    both.write_bytes(newer.read_bytes() + older.read_bytes())
    assert "6 entries hold" in verify_evidence.verified(str(tmp_path / "file"), [str(both)])
    for key, named in ((older, "checkpoint 2"), (newer, "checkpoint 1")):
        with pytest.raises(Wrong, match=named):
            verify_evidence.verified(str(tmp_path / "file"), [str(key)])


def test_checkpoints_of_a_quiet_time_hold(tmp_path: Path) -> None:
    maker = made(5)
    for _ in range(3):
        maker.checkpoint()
    for write in (written, as_dump):
        (tmp_path / "file").write_bytes(write(maker.lines))
        assert "5 entries hold" in verify_evidence.verified(
            str(tmp_path / "file"), [str(maker.public(tmp_path / "key.pem"))]
        )
    assert point_hash(maker.lines[-2]) == maker.lines[-1]["checkpoint"]["previous"]

"""`verify_evidence.py` on bytes: nonsense is refused in a sentence, and every byte of what is right counts."""

from __future__ import annotations

import copy
import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest

import verify_evidence
from audit.merkle import Tree, paths
from audit.tests.made import Line, Maker, as_dump, made, written
from verify_evidence import Wrong, root_of

# --- bytes -----------------------------------------------------------------------------------------

NONSENSE = [
    b"",
    b"{",
    b"{}\n",
    b"PK",
    b"PK\3\4" + bytes(1000),
    b"\xff\xfe\n",
    b'{"entry":' + b"[" * 100_000 + b"\n",
    b'{"entry":{"seq":' + b"9" * 10_000 + b"}}\n",
    b'{"entry":{"seq":1e999}}\n',
    b'{"entry":NaN}\n',
    b'{"entry":null}\n',
    b'{"checkpoint":{},"signature":""}\n',
    b'{"entry":{},"entry":{}}\n',
    b'{"a":"\\ud800"}\n',
    b"COPY public.audit_logs (seq) FROM stdin;\n1\n\\.\n",
    b"COPY public.audit_logs (seq, seq) FROM stdin;\n1\t2\t3\n",
    b"COPY public.audit_logs (seq) FROM stdin;\n\xff\n",
    b"COPY public.audit_logs (seq) FROM stdin;\n" + b"9" * 30_000 + b"\n\\.\n",
    b"COPY public.audit_logs (seq, at) FROM stdin;\n1\t9999-99-99 99:99:99+00\n\\.\n",
    b"COPY public.audit_checkpoints (number, body, signature) FROM stdin;\n1\t{}\t\\\\x\n\\.\n",
]


@pytest.mark.parametrize("data", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused_in_a_sentence(data: bytes, check: Callable[..., str]) -> None:
    assert check(data)


@pytest.mark.parametrize("data", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_key_that_is_none_is_named(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(data)
    with pytest.raises(Wrong, match=r"key\.pem"):
        verify_evidence.verified("whatever", [str(tmp_path / "key.pem")])


def whole(data: bytes) -> range:
    return range(len(data))


def rows_of_the_log(data: bytes) -> range:
    begin = data.index(b"COPY public.audit_logs")
    return range(data.index(b"\n", begin) + 1, data.index(b"\\.", begin))


@pytest.mark.parametrize(("write", "places"), [(written, whole), (as_dump, rows_of_the_log)])
def test_every_byte_counts(
    write: Callable[[list[Line]], bytes], places: Callable[[bytes], range], tmp_path: Path
) -> None:
    small = made(3, every=2)
    data, chance = write(small.lines), random.Random(1)
    keys = verify_evidence.Keys()
    keys.read(str(small.public(tmp_path / "key.pem")))
    verify_evidence.checker_for(data)(io.BytesIO(data), "file", keys, [])
    unnoticed = []
    for place in places(data):
        other = bytearray(data)
        other[place] ^= chance.randrange(1, 256)
        try:
            verify_evidence.checker_for(bytes(other))(io.BytesIO(other), "file", keys, [])
        except Wrong:
            continue
        unnoticed.append(place)
    assert unnoticed == []


def test_a_log_cut_anywhere_is_no_longer_what_was_kept(honest: Maker, check: Callable[..., str]) -> None:
    data, kept = written(honest.lines), honest.lines[11]
    for end in range(0, len(written(honest.lines[:11])), 97):
        assert check(data[:end], kept), end


@pytest.fixture(scope="module")
def long() -> Maker:
    """100,000 entries, a checkpoint behind each thousand."""
    return made(100_000, every=1000)


def test_thousands_of_bytes_of_a_long_log_each_count(long: Maker, tmp_path: Path) -> None:
    """A line that was changed is told by the state that the check is in when it comes to it."""
    lines = [written([line]) for line in long.lines]
    keys = verify_evidence.Keys()
    keys.read(str(long.public(tmp_path / "key.pem")))
    chance = random.Random(2)
    places = sorted(chance.sample(range(len(lines) - 1), 3000))
    log, unnoticed = verify_evidence.Log([]), []
    for number, line in enumerate(lines):
        if places and places[0] == number:
            places.pop(0)
            other = bytearray(line + lines[number + 1])
            at = chance.randrange(len(line))
            other[at] ^= chance.randrange(1, 256)
            if not _named(bytes(other), copy.deepcopy(log), keys):
                unnoticed.append((number, at))
        _feed(line, log, keys)
    assert unnoticed == []
    assert (log.seq, log.signed) == (100_000, 100_000)


def test_bytes_of_a_long_file_each_count(long: Maker, tmp_path: Path) -> None:
    data, key = written(long.lines), str(long.public(tmp_path / "key.pem"))
    chance = random.Random(3)
    file = tmp_path / "log.jsonl"
    for _ in range(2):
        other, place = bytearray(data), chance.randrange(len(data))
        other[place] ^= chance.randrange(1, 256)
        file.write_bytes(other)
        line = data.count(b"\n", 0, place) + 1
        with pytest.raises(Wrong, match=f"line ({line}|{line + 1}):"):
            verify_evidence.verified(str(file), [key])


def _feed(data: bytes, log: verify_evidence.Log, keys: verify_evidence.Keys) -> None:
    for number, text in verify_evidence.lines_of(io.BytesIO(data), "log"):
        line = verify_evidence.parsed(text, f"line {number}")
        if set(line) == {"entry"}:
            log.entry(verify_evidence.entry_of(line["entry"], "here"), "here")
        else:
            log.checkpoint(verify_evidence.checkpoint_line(line, keys, "here"), "here")


def _named(data: bytes, log: verify_evidence.Log, keys: verify_evidence.Keys) -> str:
    try:
        _feed(data, log, keys)
    except Wrong as wrong:
        return str(wrong)
    return ""


# --- the tree --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [*range(1, 18), 31, 32, 33, 1000])
def test_every_leaf_is_proven_by_its_path_and_no_other(count: int) -> None:
    leaves = [bytes([number % 256]) * 32 for number in range(count)]
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    root = tree.root().hex()
    places = range(count) if count < 100 else range(0, count, 97)
    for place, path in zip(places, paths(leaves, list(places)), strict=True):
        assert root_of(leaves[place], place, count, path) == root
        assert root_of(b"x" * 32, place, count, path) != root
        assert root_of(leaves[place], place, count, [*path, b"x" * 32]) is None
        assert not path or root_of(leaves[place], place, count, path[:-1]) is None


def test_the_root_is_that_of_rfc_6962() -> None:
    """Computed by its own recursive definition."""

    def definition(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        split = 1 << (len(leaves) - 1).bit_length() - 1
        left, right = definition(leaves[:split]), definition(leaves[split:])
        return bytes.fromhex(verify_evidence.sha256(b"\1" + left + right))

    leaves: list[bytes] = []
    tree = Tree()
    for number in range(70):
        leaves.append(number.to_bytes(32, "big"))
        tree.add(leaves[-1])
        assert tree.root() == definition(leaves)

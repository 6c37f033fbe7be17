"""Every variable the settings read is in the README, and nothing else is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from devtools import configure
from portal import env

ROOT = Path(settings.BASE_DIR)
READ = re.compile(r"env\.\w+\(\s*\"(PORTAL_[A-Z_]+)\"")
DESCRIBED = re.compile(r"^\| `(PORTAL_[A-Z_]+)` \|", re.MULTILINE)


def start(**changed: str | None) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of its own, with some variables changed or (None) away."""
    environment = {**os.environ, **{name: value for name, value in changed.items() if value is not None}}
    for name, value in changed.items():
        if value is None:
            environment.pop(name, None)
    program = "import portal.settings"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_readme_describes_exactly_what_is_read() -> None:
    read = set(READ.findall((ROOT / "portal" / "settings.py").read_text(encoding="utf-8")))
    described = set(DESCRIBED.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert len(read) > 15
    assert described == read


def test_the_page_of_settings_is_current() -> None:
    """If this fails: `python -m devtools.configure`."""
    assert configure.PAGE.read_text(encoding="utf-8") == configure.page()


@pytest.mark.parametrize("name", ["PORTAL_DATABASE_URL", "PORTAL_SECRET_KEY", "PORTAL_RESULT_KEYS"])
def test_a_missing_variable_stops_the_start_by_name(name: str) -> None:
    ended = start(**{name: None})
    assert ended.returncode == 1
    assert f"{name} is not set" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTAL_DEBUG", "yes"),
        ("PORTAL_SECRET_KEY", "short"),
        ("PORTAL_DATABASE_URL", "sqlite:///x"),
        ("PORTAL_RESULT_KEYS", "k1:short"),
        ("PORTAL_TRUSTED_PROXIES", "-1"),
        ("PORTAL_LOG_LEVEL", "LOUD"),
        ("PORTAL_AUDIT_KEY", "c2VjcmV0"),
        ("PORTAL_AUDIT_PUBLIC_KEYS", "c2VjcmV0"),
        ("PORTAL_CHECKPOINT_MINUTES", "0"),
    ],
)
def test_a_value_that_cannot_be_is_named(name: str, value: str) -> None:
    ended = start(**{name: value})
    assert ended.returncode == 1
    assert name in ended.stderr.splitlines()[-1]


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("k" * 50 + "\n", encoding="utf-8")
    assert start(PORTAL_SECRET_KEY=None, PORTAL_SECRET_KEY_FILE=str(file)).returncode == 0
    assert "not both" in start(PORTAL_SECRET_KEY_FILE=str(file)).stderr
    assert "cannot be read" in start(PORTAL_SECRET_KEY=None, PORTAL_SECRET_KEY_FILE="/nowhere").stderr


# --- the keys of checkpoints -----------------------------------------------------------------------

KEY = Ed25519PrivateKey.generate()
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def inner(pem: str) -> str:
    """What stands between the lines that PEM begins and ends with."""
    return "".join(pem.splitlines()[1:-1])


@pytest.mark.parametrize(
    "written", [PEM, inner(PEM), f"\n{PEM}\n", PEM.replace("\n", "\r\n")], ids=["whole", "inner", "more", "CRLF"]
)
def test_a_signing_key_is_pem_or_its_inner_lines(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_AUDIT_KEY", written)
    read = env.signing_key("PORTAL_AUDIT_KEY")
    assert read is not None
    assert read.private_bytes_raw() == KEY.private_bytes_raw()


@pytest.mark.parametrize(
    "written", [PUBLIC * 2, f"{inner(PUBLIC)}, {inner(PUBLIC)}", f"{PUBLIC}\n{PUBLIC}"], ids=["twice", "inner", "apart"]
)
def test_public_keys_follow_each_other(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_AUDIT_PUBLIC_KEYS", written)
    read = env.public_keys("PORTAL_AUDIT_PUBLIC_KEYS")
    assert [key.public_bytes_raw() for key in read] == [KEY.public_key().public_bytes_raw()] * 2


def other_kinds() -> list[str]:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    sealed = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")).decode()
    plain = rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return [plain, sealed, PEM * 2, PUBLIC, "no key"]


def test_what_is_no_signing_key_is_refused_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    for written in other_kinds():
        monkeypatch.setenv("PORTAL_AUDIT_KEY", written)
        with pytest.raises(ImproperlyConfigured, match="PORTAL_AUDIT_KEY is not one private Ed25519 key") as refused:
            env.signing_key("PORTAL_AUDIT_KEY")
        assert inner(written) not in str(refused.value) or "BEGIN" not in written


def test_without_keys_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTAL_AUDIT_KEY")
    assert env.signing_key("PORTAL_AUDIT_KEY") is None
    assert env.public_keys("PORTAL_AUDIT_PUBLIC_KEYS") == []

"""Typed readers of the environment: each rejects anything but a literal value, in a sentence that names the variable.

A value may also come from a file: `NAME_FILE` holds the path (for secrets mounted by an orchestrator).
"""

import base64
import binascii
import os
import re
from pathlib import Path
from typing import Any

import dj_database_url
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32
POSTGRESQL = "django.db.backends.postgresql"
PEM_ENDS = re.compile(r"-----(?:BEGIN|END) [A-Z ]+-----")


def text(name: str, default: str | None = None) -> str:
    """The value of `name` or of the file `name_FILE`; `default` when neither is set. Raises ImproperlyConfigured."""
    value = os.environ.get(name)
    path = os.environ.get(f"{name}_FILE")
    if value is not None and path is not None:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    if path is not None:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error
    if value is not None and value != "":
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set. Set it, or {name}_FILE to a file that holds it (see README).")
    return default


def flag(name: str, *, default: bool) -> bool:
    """`true` or `false`, nothing else."""
    value = text(name, "true" if default else "false")
    if value not in {"true", "false"}:
        raise ImproperlyConfigured(f"{name} is {value!r}; write true or false.")
    return value == "true"


def integer(name: str, default: int, *, minimum: int, maximum: int) -> int:
    """A whole number within bounds."""
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or not minimum <= int(value) <= maximum:
        raise ImproperlyConfigured(f"{name} is {value!r}; write a whole number from {minimum} to {maximum}.")
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty items."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of `allowed`."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}; write one of {', '.join(allowed)}.")
    return value


def keys(name: str) -> dict[str, bytes]:
    """Named 32-byte keys, `id:base64,id:base64`; the first one encrypts, the others only decrypt."""
    found: dict[str, bytes] = {}
    for number, item in enumerate(words(name) or [text(name)], start=1):
        key_id, _, encoded = item.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not key_id or len(key) != KEY_BYTES or key_id in found:
            raise ImproperlyConfigured(
                f"{name}: entry {number} is not id:base64 of {KEY_BYTES} bytes with an id of its own "
                "(make one with: python3 -c 'import os,base64;print(base64.b64encode(os.urandom(32)).decode())')."
            )
        found[key_id] = key
    return found


def signing_key(name: str) -> Ed25519PrivateKey | None:
    """A private Ed25519 key (PKCS#8): PEM, or its inner lines as one; None when it is not set."""
    written = _between(text(name, ""))
    if not written:
        return None
    try:
        key = load_der_private_key(base64.b64decode(written[0], validate=True), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if len(written) != 1 or not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured(
            f"{name} is not one private Ed25519 key without a password "
            "(make one with: openssl genpkey -algorithm ed25519)."
        )
    return key


def public_keys(name: str) -> list[Ed25519PublicKey]:
    """Public Ed25519 keys: PEM, one after the other, or their inner lines separated by commas."""
    found: list[Ed25519PublicKey] = []
    for number, written in enumerate(_between(text(name, "")), start=1):
        try:
            key = load_der_public_key(base64.b64decode(written, validate=True))
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise ImproperlyConfigured(f"{name}: entry {number} is not a public Ed25519 key.")
        found.append(key)
    return found


def _between(written: str) -> list[str]:
    """What stands between the lines that PEM begins and ends with, without spaces."""
    parts = re.split(",", PEM_ENDS.sub(",", written))
    return [part for part in ("".join(part.split()) for part in parts) if part]


def database(name: str) -> dict[str, Any]:
    """A postgresql:// URL as Django's settings of a database. The complaint never quotes it: it holds a password."""
    url = text(name)
    try:
        parsed: dict[str, Any] = {**dj_database_url.parse(url)}
    except ValueError:
        parsed = {}
    if parsed.get("ENGINE") != POSTGRESQL or not parsed.get("NAME") or any("\0" in str(v) for v in parsed.values()):
        raise ImproperlyConfigured(
            f"{name} is not a URL such as postgresql://user:password@host:5432/database; the portal runs on PostgreSQL "
            "only, and a special character in the password is written with a percent sign (@ is %40)."
        )
    return parsed


def database_if_set(name: str) -> dict[str, Any] | None:
    """The same; None where the variable is not set."""
    return database(name) if text(name, "") else None

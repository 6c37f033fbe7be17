"""The keys of checkpoints: one private key signs, and it is never in the database; several public ones verify."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

KEY_ID_LENGTH = 16


def signing_key() -> Ed25519PrivateKey | None:
    """The key that signs, None where this process has none."""
    key: Ed25519PrivateKey | None = settings.PORTAL_AUDIT_KEY
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """What a checkpoint names its key by: the first digits of its SHA-256."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:KEY_ID_LENGTH]


def public_keys() -> dict[str, Ed25519PublicKey]:
    """Every key that is trusted, by its id: that of the signing key first, then those of before."""
    own = signing_key()
    keys = [*([own.public_key()] if own else []), *settings.PORTAL_AUDIT_PUBLIC_KEYS]
    return {key_id(key): key for key in keys}


def pem() -> str:
    """All of them as people keep them."""
    form = PublicFormat.SubjectPublicKeyInfo
    return "".join(key.public_bytes(Encoding.PEM, form).decode() for key in public_keys().values())


def signed_by(name: str, signature: bytes, content: bytes) -> bool:
    """Whether the key of that id signed this; False as well for a key that is not known here."""
    key = public_keys().get(name)
    if key is None:
        return False
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True

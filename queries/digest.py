"""What a decision is bound to: the SHA-256 of everything that decides what will run."""

import hashlib
import json

from executors.base import Limits, Parameter


def digest(
    *, language: str, statement: str, parameters: tuple[Parameter, ...], target: str, access: str, limits: Limits
) -> str:
    """Hexadecimal SHA-256 over a canonical JSON form (sorted keys, no spaces, UTF-8)."""
    content = {
        "language": language,
        "statement": statement,
        "parameters": parameters,
        "target": target,
        "access": access,
        "limits": {
            "seconds": limits.seconds,
            "lock_seconds": limits.lock_seconds,
            "rows": limits.rows,
            "bytes": limits.bytes,
        },
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()

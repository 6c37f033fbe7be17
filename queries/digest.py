"""What a decision is bound to: the SHA-256 of everything that decides what will run."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal

from executors.base import Limits, Parameter


def as_stored(parameter: Parameter) -> Parameter:
    """The parameter as jsonb gives it back: no exponents, so a large float is an integer, and no minus zero."""
    if not isinstance(parameter, float):
        return parameter
    written = Decimal(repr(parameter))
    exponent = written.as_tuple().exponent
    return int(written) if isinstance(exponent, int) and exponent >= 0 else parameter + 0.0


def form(
    *,
    language: str,
    statement: str,
    parameters: Sequence[object],
    target: Mapping[str, object],
    access: str,
    limits: Limits,
    expects: int | None = None,
    undoes: str | None = None,
) -> str:
    """Canonical JSON (sorted keys, no spaces) of what decides what will run; its SHA-256 is the digest.

    `parameters` are as stored. `target` is what decides where it runs (`pods.models.Target.identity`), not only its
    name. `expects` is how many rows its author says it changes, `undoes` the public id of the request whose write it
    takes back.
    """
    content: dict[str, object] = {
        "language": language,
        "statement": statement,
        "parameters": parameters,
        "target": dict(target),
        "access": access,
        "limits": {
            "seconds": limits.seconds,
            "lock_seconds": limits.lock_seconds,
            "rows": limits.rows,
            "bytes": limits.bytes,
        },
    }
    # What is not there is left out: the digest of a request from before there was such a thing stays what it was.
    content |= {name: value for name, value in (("expects", expects), ("undoes", undoes)) if value is not None}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def template_form(
    *,
    language: str,
    statement: str,
    parameters: Sequence[object],
    access: str,
    engine: str,
    targets: Sequence[str],
) -> str:
    """The same of what a version of a template says: its declared parameters as stored, the slugs of its targets."""
    content = {
        "template": True,
        "language": language,
        "statement": statement,
        "parameters": parameters,
        "access": access,
        "engine": engine,
        "targets": sorted(targets),
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(form: str) -> str:
    """Hexadecimal SHA-256 over the form."""
    return hashlib.sha256(form.encode()).hexdigest()

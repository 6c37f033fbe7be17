"""The OpenAPI schema, made strict: one shape of errors, every status that can come, no field that is not described."""

from typing import Any

from queries.lifecycle import Status
from web.openapi import ERROR_SCHEMA, STATUSES

WORD = "^[a-z][a-z0-9_]*$"
FIELD_ERROR = {
    "type": "object",
    "required": ["message", "code"],
    "properties": {
        "message": {"type": "string", "minLength": 1},
        "code": {"type": "string", "pattern": WORD},
        "line": {"type": "integer", "minimum": 1, "description": "Counts from 1; for a statement."},
        "column": {"type": "integer", "minimum": 1, "description": "Counts from 1, in characters."},
        "script": {"type": "string", "minLength": 1, "description": "What does the same in the language script."},
    },
}
FIELD_ERRORS = {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/FieldError"}}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "pattern": WORD},
                "message": {"type": "string", "minLength": 1, "description": "A sentence for people."},
                "fields": {"type": "object", "minProperties": 1, "additionalProperties": FIELD_ERRORS},
                "state": {
                    "type": "string",
                    "enum": [status.value for status in Status],
                    "description": "With 409: the status the request is in.",
                },
            },
            "additionalProperties": False,
        }
    },
}
HEADERS: dict[str, dict[str, Any]] = {
    "401": {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "What one may sign in with."}},
    "429": {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds."}},
    "503": {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds, where it is known."}},
}
SAFE = frozenset({"get", "head", "options"})


def make_strict(result: dict[str, Any], **_options: object) -> dict[str, Any]:
    """A post-processing hook of drf-spectacular."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(FieldError=FIELD_ERROR, Error=ERROR)
    result["components"]["schemas"] = {name: _closed(schema) for name, schema in schemas.items()}
    for methods in result["paths"].values():
        for method, call in methods.items():
            _add_statuses(method, call)
    return result


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "additionalProperties": False} if "properties" in schema else schema


def _add_statuses(method: str, call: dict[str, Any]) -> None:
    """The statuses that follow from the call itself, beside those it names."""
    responses = call["responses"]
    content = {"application/json": {"schema": ERROR_SCHEMA}}
    for status in map(str, sorted(_statuses(method, call))):
        responses.setdefault(status, {"description": STATUSES[int(status)], "content": content})
    for status, headers in HEADERS.items():
        if status in responses:
            responses[status]["headers"] = headers
    call["responses"] = dict(sorted(responses.items()))


def _statuses(method: str, call: dict[str, Any]) -> set[int]:
    found = {503}
    if _speaks_json(call):
        found.add(406)
    # An empty requirement means that nobody need sign in.
    if all(call.get("security", ())):
        found |= {401} if method in SAFE else {401, 403}
    if "requestBody" in call:
        found |= {400, 413, 415}
    if any(parameter["in"] == "query" for parameter in call.get("parameters", ())):
        found.add(400)
    return found


def _speaks_json(call: dict[str, Any]) -> bool:
    """Whether an answer is negotiated; the format of a download is in its address."""
    return any(
        "application/json" in call["responses"][status].get("content", {})
        for status in ("200", "201")
        if status in call["responses"]
    )

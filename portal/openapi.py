"""The one shape of errors, added to every operation of the OpenAPI schema."""

from typing import Any

FIELD_ERROR = {
    "type": "object",
    "required": ["message", "code"],
    "properties": {
        "message": {"type": "string"},
        "code": {"type": "string"},
        "line": {"type": "integer", "description": "Counts from 1; for a statement."},
        "column": {"type": "integer", "description": "Counts from 1, in characters."},
    },
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string", "description": "A sentence for people."},
                "fields": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
                },
                "state": {"type": "string", "description": "With 409: the status the request is in."},
            },
        }
    },
}
DESCRIPTION = (
    "400 bad input, with the fields; 401 not signed in; 403 not allowed; 404 not there, or not for you to know; "
    "409 not now; 413 too large; 429 too many requests, with Retry-After; 503 not available."
)


def add_errors(result: dict[str, Any], **_options: object) -> dict[str, Any]:
    """A post-processing hook of drf-spectacular."""
    result.setdefault("components", {}).setdefault("schemas", {}).update(FieldError=FIELD_ERROR, Error=ERROR)
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for methods in result["paths"].values():
        for operation in methods.values():
            operation["responses"]["default"] = {"description": DESCRIPTION, "content": content}
    return result

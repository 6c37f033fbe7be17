"""The API's calls and shapes as a page, from the OpenAPI schema: what is answered there is what is said here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

GROUPS: Final[Mapping[str, str]] = {
    "auth": "Signing in",
    "me": "Who I am",
    "pods": "Pods and targets",
    "queries": "Requests",
    "results": "Results",
    "templates": "Templates",
    "audit": "The audit log",
}
# Words of JSON Schema that bound a value, as people read them.
BOUNDS: Final[Mapping[str, str]] = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "default": "else {}",
}
_BACKTICKS = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is: words, and the shape they name if it has one."""

    words: str
    shape: str = ""
    bounds: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a key of a body or an answer."""

    name: str
    kind: Kind
    required: bool
    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back with a status."""

    status: str
    text: str
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `anchor` is where it stands on the page."""

    anchor: str
    method: str
    path: str
    text: str
    parameters: tuple[Field, ...]
    body: Kind | None
    answers: tuple[Answer, ...]
    errors: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """An object or a closed list of words, by its name in the schema."""

    name: str
    text: str
    fields: tuple[Field, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Documentation:
    """All of the page."""

    groups: tuple[tuple[str, str, tuple[Call, ...]], ...]
    shapes: tuple[Shape, ...]


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The API's calls, for people."""
    return render(request, "api/docs.html", {"nav": "docs", "docs": documentation()})


@cache
def documentation() -> Documentation:
    """What the schema says; it changes with the code alone."""
    return of_schema(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


def of_schema(schema: Mapping[str, Any]) -> Documentation:
    """The page of an OpenAPI schema."""
    calls: dict[str, list[Call]] = {}
    for path, methods in schema["paths"].items():
        for method, call in methods.items():
            calls.setdefault(call["tags"][0], []).append(_call(path, method, call))
    tags = sorted(calls, key=lambda tag: [*GROUPS, tag].index(tag))
    groups = tuple((tag, GROUPS.get(tag, tag.capitalize()), tuple(calls[tag])) for tag in tags)
    shapes = schema["components"]["schemas"]
    return Documentation(groups, tuple(_shape(name, shapes[name]) for name in sorted(shapes)))


def _call(path: str, method: str, call: Mapping[str, Any]) -> Call:
    answers = [_answer(status, found) for status, found in call["responses"].items()]
    body = call.get("requestBody")
    return Call(
        anchor=call["operationId"],
        method=method.upper(),
        path=path,
        text=_plain(call.get("description", "")),
        parameters=tuple(_parameter(found) for found in call.get("parameters", ())),
        body=_content(body)[0] if body else None,
        answers=tuple(answer for answer in answers if answer.status < "400"),
        errors=tuple(answer for answer in answers if answer.status >= "400"),
    )


def _parameter(found: Mapping[str, Any]) -> Field:
    text = _plain(found.get("description", ""))
    return Field(found["name"], _kind(found["schema"]), found.get("required", False), text, found["in"])


def _answer(status: str, found: Mapping[str, Any]) -> Answer:
    return Answer(status, _plain(found.get("description", "")), _content(found))


def _content(found: Mapping[str, Any]) -> tuple[Kind, ...]:
    kinds = []
    for media, content in found.get("content", {}).items():
        kind = _kind(content.get("schema", {}))
        kinds.append(kind if media == "application/json" else Kind(media))
    return tuple(kinds)


def _shape(name: str, found: Mapping[str, Any]) -> Shape:
    required = set(found.get("required", ()))
    fields = tuple(
        Field(key, _kind(field), key in required, _plain(field.get("description", "")))
        for key, field in found.get("properties", {}).items()
    )
    words = tuple(_word(word) for word in found.get("enum", ()))
    # Of a list of words the description repeats the words.
    return Shape(name, "" if words else _plain(found.get("description", "")), fields, words)


def _kind(found: Mapping[str, Any]) -> Kind:
    null = " or null" if found.get("nullable") else ""
    if "$ref" in found:
        return Kind(f"{_name(found)}{null}", _name(found))
    if "allOf" in found:
        inner = _kind(found["allOf"][0])
        return Kind(f"{inner.words}{null}", inner.shape, inner.bounds)
    if "oneOf" in found:
        parts = [_kind(part) for part in found["oneOf"]]
        shape = next((kind.shape for kind in parts if kind.shape), "")
        return Kind(" or ".join(kind.words for kind in parts) + null, shape)
    if found.get("type") == "array":
        inner = _kind(found.get("items", {}))
        return Kind(f"list of {inner.words}{null}", inner.shape, _bounds(found) or inner.bounds)
    return Kind(f"{_type(found)}{null}", "", _bounds(found))


def _type(found: Mapping[str, Any]) -> str:
    if "enum" in found:
        return " | ".join(_word(word) for word in found["enum"])
    return str(found.get("format") or found.get("type") or "any value")


def _bounds(found: Mapping[str, Any]) -> str:
    said = [words.format(_word(found[key])) for key, words in BOUNDS.items() if key in found]
    return ", ".join([*said, *([f"as {found['pattern']}"] if "pattern" in found else [])])


def _word(word: object) -> str:
    if word is None or word == "":
        return "empty" if word == "" else "null"
    return str(word).lower() if isinstance(word, bool) else str(word)


def _name(found: Mapping[str, str]) -> str:
    return found["$ref"].rpartition("/")[2]


def _plain(text: str) -> str:
    """A description as one paragraph; its code marks are told apart by quotes."""
    return " ".join(_BACKTICKS.sub(r"“\1”", text).split())

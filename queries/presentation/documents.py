"""Documents as mongosh writes them, made from canonical Extended JSON: every type is named, every digit kept."""

import base64
import binascii
import datetime as dt
import json
import uuid
from collections.abc import Callable

# A larger document stays as it is stored: reading it again would cost more than it shows.
READ_CHARACTERS = 200_000
WIDTH = 88
UUID_SUBTYPE = "04"
UUID_BYTES = 16
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Pairs = list[tuple[str, object]]


class _Object(Pairs):
    """The fields of a document in order, also when two have one name."""


def shell(text: str) -> str:
    """The document, in mongosh's words: `ObjectId("…")`, `ISODate("…")`, `Long("…")`, plain whole numbers."""
    if len(text) > READ_CHARACTERS:
        return text
    try:
        return _write(json.loads(text, object_pairs_hook=_Object), "")
    except (ValueError, RecursionError):
        return text


def _write(value: object, indent: str) -> str:
    if isinstance(value, _Object):
        typed = _typed(value)
        if typed is not None:
            return typed
        inner = indent + "  "
        return _joined([f"{_name(name)}: {_write(item, inner)}" for name, item in value], "{}", indent)
    if isinstance(value, list):
        return _joined([_write(item, indent + "  ") for item in value], "[]", indent)
    return json.dumps(value, ensure_ascii=False)


def _joined(items: list[str], brackets: str, indent: str) -> str:
    left, right = brackets[0], brackets[1]
    if not items:
        return brackets
    line = f"{left} {', '.join(items)} {right}" if left == "{" else f"[{', '.join(items)}]"
    if len(indent) + len(line) <= WIDTH and "\n" not in line:
        return line
    inner = indent + "  "
    return f"{left}\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}{right}"


def _name(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else json.dumps(name, ensure_ascii=False)


def _typed(fields: _Object) -> str | None:
    if len(fields) != 1:
        return None
    name, value = fields[0]
    try:
        return _TYPES[name](value) if name in _TYPES else None
    except (TypeError, KeyError, ValueError, OverflowError, binascii.Error):
        return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _inside(value: object) -> dict[str, object]:
    if not isinstance(value, _Object):
        raise TypeError
    return dict(value)


def _quoted(word: str) -> Callable[[object], str]:
    return lambda value: f"{word}({json.dumps(_text(value))})"


def _date(value: object) -> str:
    milliseconds = int(_text(_inside(value)["$numberLong"]))
    try:
        moment = _EPOCH + dt.timedelta(milliseconds=milliseconds)
    except OverflowError:
        return f"new Date({milliseconds})"
    return f'ISODate("{moment.strftime("%Y").zfill(4)}{moment.strftime("-%m-%dT%H:%M:%S")}.{milliseconds % 1000:03d}Z")'


def _binary(value: object) -> str:
    parts = _inside(value)
    content, subtype = _text(parts["base64"]), _text(parts["subType"])
    raw = base64.b64decode(content, validate=True)
    if subtype == UUID_SUBTYPE and len(raw) == UUID_BYTES:
        return f'UUID("{uuid.UUID(bytes=raw)}")'
    return f"BinData({int(subtype, 16)}, {json.dumps(content)})"


def _timestamp(value: object) -> str:
    parts = _inside(value)
    return f"Timestamp({{ t: {int(str(parts['t']))}, i: {int(str(parts['i']))} }})"


def _expression(value: object) -> str:
    parts = _inside(value)
    pattern, options = json.dumps(_text(parts["pattern"]), ensure_ascii=False), json.dumps(_text(parts["options"]))
    return f"BSONRegExp({pattern}, {options})"


_TYPES: dict[str, Callable[[object], str]] = {
    "$oid": _quoted("ObjectId"),
    "$numberInt": _text,
    "$numberDouble": _text,
    "$numberLong": _quoted("Long"),
    "$numberDecimal": _quoted("Decimal128"),
    "$date": _date,
    "$binary": _binary,
    "$timestamp": _timestamp,
    "$regularExpression": _expression,
    "$minKey": lambda _: "MinKey()",
    "$maxKey": lambda _: "MaxKey()",
    "$undefined": lambda _: "undefined",
}

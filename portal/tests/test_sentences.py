"""W1: what people read is short and plain, in the same words everywhere; this finds the words that are not ours."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
APPS = ("accounts", "audit", "pods", "portal", "queries", "web", "executors")
# What nobody says to a person here, and what is said instead.
FORBIDDEN = {
    r"please": "say what to do",
    r"oops|uh-oh|whoops|sorry": "say what happened",
    r"invalid": "say what is wrong with it, and what would be right",
    r"success(?:ful|fully)": "say what was done",
    r"something went wrong|an error (?:has )?occurred|unexpected error": "say what is known",
    r"unable to|failed to (?!sign in)": "“cannot”, or what did not happen",
    r"click here": "a link says where it leads",
    r"e\.g\.|i\.e\.|etc\.": "such as, that is",
    r"utili[sz]e|in order to|via": "use, to, by",
    r"login page|log ?in(?= (?:again|first|to))|logged in|log out": "sign in, sign out",
    r"dropdown|checkbox|textbox|hyperlink": "the words on it",
    r"whitelist|blacklist|master|slave": "allowed, refused",
    r"queryset|traceback|stack ?trace|exception|NoneType|kwargs|payload|boolean value": "words of people",
    r"admin(?:istrator)s? will be notified": "nobody is told by itself",
}
_TAGS = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}|<script.*?</script>|<[^>]*>", re.DOTALL)
_SPOKEN = re.compile(r'(?:aria-label|placeholder|title|alt)="([^"{<]+)"')
_SENTENCE = re.compile(r"[A-Z“0-9].* .*[.?…:]", re.DOTALL)
_HEADING = re.compile(r"<(?:h[1-6]|button|legend|th)\b[^>]*>(.*?)</(?:h[1-6]|button|legend|th)>", re.DOTALL)
# With a capital wherever they stand.
NAMES = frozenset({"MongoDB", "PostgreSQL", "JavaScript", "OpenAPI", "Query", "Portal", "Slack"})
_JS_TEXT = re.compile(r'"([^"\\\n]*)"|`([^`]*)`')


def in_templates() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        yield str(path.relative_to(ROOT)), " ".join([*_SPOKEN.findall(text), *_TAGS.sub(" ", text).split()])


def in_scripts() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "static" / "js").glob("*.js")):
        for found in _JS_TEXT.findall(path.read_text(encoding="utf-8")):
            yield str(path.relative_to(ROOT)), "".join(found)


def in_code() -> Iterator[tuple[str, str]]:
    """Constants that are sentences: a capital, a space, a full stop; docstrings are for other eyes."""
    for path in (path for app in APPS for path in sorted((ROOT / app).rglob("*.py"))):
        if {"tests", "migrations", "vendor"} & set(path.parts):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = ((node, _text(node)) for node in ast.walk(tree) if id(node) not in docs)
        for node, text in texts:
            if _SENTENCE.fullmatch(text):
                yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", text


def _text(node: ast.AST) -> str:
    """What a constant says, with a mark for each value in it; "" for what is none."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "17" for part in node.values).strip()
    return node.value.strip() if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


SENTENCES = [*in_templates(), *in_scripts(), *in_code()]


def test_there_is_something_to_read() -> None:
    assert len(SENTENCES) > 500
    assert any("has expired" in text for _, text in SENTENCES)


@pytest.mark.parametrize("words", sorted(FORBIDDEN))
def test_nobody_is_told(words: str) -> None:
    wanted = re.compile(rf"(?<![\w./-])(?:{words})(?![\w-])", re.IGNORECASE)
    found = [f"{where}: {match.group(0)!r}" for where, text in SENTENCES for match in wanted.finditer(text)]
    assert found == [], f"Instead: {FORBIDDEN[words]}."


def test_headings_and_buttons_are_in_sentence_case() -> None:
    """A capital in the middle of a heading is that of a name."""
    found = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        parts = (_TAGS.sub("|", part).split("|") for part in _HEADING.findall(path.read_text(encoding="utf-8")))
        for piece in (piece for pieces in parts for piece in pieces):
            odd = [word for word in piece.split()[1:] if re.match(r"[A-Z][a-z]", word) and word not in NAMES]
            found += [f"{path.name}: {piece.strip()}"] if odd else []
    assert found == []

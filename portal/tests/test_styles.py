"""What is shipped is used: every class of the style sheets is on a page, and a template's lines can be read."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

from django.conf import settings
from django.contrib import admin
from pygments.token import STANDARD_TYPES

ROOT = Path(settings.BASE_DIR)
ADMIN = Path(admin.__file__).parent
LINE_LENGTH = 160
APPS = ("accounts", "audit", "pods", "portal", "queries", "web")


def text_of(*globs: tuple[Path, str]) -> str:
    paths = chain.from_iterable(folder.rglob(pattern) for folder, pattern in globs)
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(paths) if "tests" not in path.parts)


def styled() -> set[str]:
    """Every class that a style sheet of ours speaks of."""
    css = re.sub(r"/\*.*?\*/", "", text_of((ROOT / "static", "*.css")), flags=re.DOTALL)
    return set(re.findall(r"\.([a-zA-Z][\w-]*)", re.sub(r"\{[^{}]*\}", "{}", css)))


def words(text: str, where: str) -> set[str]:
    """The words in those parts of a text that `where` matches."""
    return set(re.findall(r"[\w-]+", " ".join(re.findall(where, text, flags=re.DOTALL))))


def test_every_class_is_used() -> None:
    templates = text_of((ROOT / "templates", "*.html"))
    code = text_of((ROOT / "static" / "js", "*.js"), *((ROOT / app, "*.py") for app in APPS))
    # The editor and Django's admin bring their own markup, Pygments its own names.
    editor = text_of((ROOT / "static" / "vendor", "*.js"))
    django = text_of((ADMIN / "static", "*.css"), (ADMIN / "templates", "*.html"))
    used = words(templates, r"<[^>]+>|{%[^%]+%}(?:page[\w -]+)?") | words(code, r"""(?:"[^"\n]+"|'[^'\n]+'|`[^`]+`)""")
    used |= words(editor, r"(?:cm|tok)-[\w-]+") | words(django, r".+") | set(STANDARD_TYPES.values())
    # `avatar--{}` or `is-{{ tone }}`: the rest comes from a value.
    stems = tuple(re.findall(r"([a-z_]+-{1,2})\{", templates + code))
    assert {name for name in styled() - used if not name.startswith(stems)} == set()


def test_no_line_of_a_template_is_longer_than_can_be_read() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > LINE_LENGTH
    ]
    assert long == []

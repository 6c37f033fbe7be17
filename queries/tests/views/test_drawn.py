"""No template shows a text of a person or of a database as it is: a filter draws what is hidden in it.

A variable is either drawn, or made by one of our own filters out of numbers and closed lists, or named here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.template.base import Lexer, TokenType

TEMPLATES = sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))

AS_MARKUP = frozenset({"visible", "prose", "cell", "block", "document"})
AS_TEXT = frozenset({"marked"})
# What these answer is a number, a moment, or a word of ours.
OWN_WORDS = frozenset(
    "access_name bytes_in_words capped code_name counted duration exact in_utc language_name last_row length risk_words"
    " rows_expected rows_noun short_digest span_of_time state_name thousands told_words yesno".split()
)
# Variables that hold nothing of a person's or a database's. Each line says why.
SAFE = (
    # A form's own fields: what is edited stays as it is. The text of an input, and of a copy.
    r"form(\.\w+)+(\|default(_if_none)?:\"\")?|field(\.\w+)*",
    r"asked\.arrangement\.search|query\.statement|comment|reason|remark\.(text|line)|bound_typed|sent\.(proposed|origin)",
    r"row\.(name|value)\|default_if_none:\"\"|filters\.(q|actor|subject|person|target|request|since|until)",
    # Names of ours, and closed lists.
    r"(\w+\.)*(number|public_id|pk|slug|digest|status|code|seq|hash|action|kind|id|subject_id|subject_kind|origin)",
    r"(\w+\.)*get_\w+_display(\|lower)?|(item\.)?languages|item\.target\.engine|query\.code\|default:execution\.failure_code",
    # Numbers and moments.
    r"(\w+\.)*(\w+_limit|approvals_(required|needed)|(lock_)?seconds|elapsed|retry_after|blanks|last|place|total|given|needed)",
    r"shown\.(indent|percent|earlier|later)|page\.(count|row_count|first_row(\|add:forloop\.counter0)?)|row\|add:-1",
    r"[\w.]+\|date:\"Y-m-d\"|user\.time_zone",
    r"column_count|wait_days|row\.(before|after)\|default_if_none:\"\"|choice\.(up|down)|place\.sent",
    r"execution\.statements_(done|total)\|stringformat:\"d\"",
    r"(\w+\.)*(line|column|entries|pid|calls_total|lines_total|old|new)(\|default(_if_none)?:\"\w*\")?",
    r"forloop\.\w+|page\.first_row\|add:(1|forloop\.counter)|given\|add:1|query\|approvals_given",
    r"(made_at|checkpoint\.at)\.isoformat(\|urlencode:\"\")?|row\.entry\.at\.isoformat",
    # Drawn by `pages`, `cell`, `code` and `difference`; what is marked may be cut.
    r"[\w.]+\|marked\|shortened:\d+|cell\.(name|html)",
    r"head\.name|html|call\.(statement|parameters|failure)_html",
    r"(line|row)\.(html|kind|sign)",
    # Words of our own.
    r"css|what|theme|next|view|words|revises|next_step|event\.tone|request\.csp_nonce|block\.super|tab_label|format|key",
    r"(heading|meaning)(\|default:\"[^\"]*\")?|\w+\|pluralize(:\"[^\"]*\")?|noun(\|capfirst)?|message\.tags",
    r"example\.(product|title|text)|step\.(title|who|address)|row\.sentence|verdict\.fault\.reason|head|title|format\|upper",
    r"change|kind\|capfirst|label|blank|chosen|form|cell\.(form|size)|head\.(css|order|next_order)|one\.outcome|checkpoint\.facts\.key",
    # Addresses of ours, and JSON for a script that draws it.
    r"again|plain|csv|xlsx|jsonl|previous|address|links\.(next|previous|table|chart)",
    # What the API's schema says: our own words.
    r"tag|caption|word|(call|answer|shape|kind|field)\.(anchor|method|path|text|status|name|shape|words|bounds)",
    r"(findings|completions|chart\.data)\|json_script:\"(found|completions|chart-data)\"",
)
# In attributes and options only: choices, and what the address filters by.
SAFE_AS_TEXT = re.compile(r"name|value|filters\.author")
IS_SAFE = re.compile("|".join(f"(?:{pattern})" for pattern in SAFE))
# Tags that answer markup have no place inside of a tag or a title.
MARKUP_TAGS = frozenset(
    {"person", "avatar", "icon", "ago", "left", "moment", "state_pill", "environment_tag", "row_mark"}
)
# Tags that print a variable past this test.
UNSEEN_TAGS = frozenset({"firstof", "cycle", "filter", "blocktranslate", "blocktrans"})
TEXT_ONLY = re.compile(r"<(/?)(title|option|textarea)\b")


@dataclass(frozen=True, slots=True)
class Shown:
    """A variable or a tag of a template, and whether it stands where only text can be."""

    what: str
    is_tag: bool
    text_only: bool


def shown_in(source: str) -> Iterator[Shown]:
    """Everything a template prints."""
    inside_tag = inside_text = False
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.TEXT:
            inside_tag = _ends_inside_tag(token.contents, inside=inside_tag)
            for found in TEXT_ONLY.finditer(token.contents):
                inside_text = not found[1]
        elif token.token_type == TokenType.VAR:
            yield Shown(token.contents, is_tag=False, text_only=inside_tag or inside_text)
        elif token.token_type == TokenType.BLOCK:
            if token.contents.startswith("block title"):
                inside_text = True
            elif token.contents == "endblock":
                inside_text = False
            yield Shown(token.contents.split()[0], is_tag=True, text_only=inside_tag or inside_text)


def _ends_inside_tag(text: str, *, inside: bool) -> bool:
    opened, closed = [m.start() for m in re.finditer(r"<[a-zA-Z/!]", text)], text.rfind(">")
    return opened[-1] > closed if opened else inside and closed < 0


def problem(shown: Shown) -> str:
    """What is wrong with it, "" when nothing is."""
    if shown.is_tag:
        if shown.what in UNSEEN_TAGS:
            return "prints a variable unseen"
        return "is markup where only text can be" if shown.text_only and shown.what in MARKUP_TAGS else ""
    last = re.sub(r":.*", "", shown.what.rpartition("|")[2]) if "|" in shown.what else ""
    if last in AS_MARKUP:
        return "is markup where only text can be" if shown.text_only else ""
    if last in AS_TEXT | OWN_WORDS or IS_SAFE.fullmatch(shown.what):
        return ""
    if shown.text_only and SAFE_AS_TEXT.fullmatch(shown.what):
        return ""
    return "is not drawn"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_template_draws_every_text(template: Path) -> None:
    found = shown_in(template.read_text(encoding="utf-8"))
    assert [f"{shown.what} {problem(shown)}" for shown in found if problem(shown)] == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>{{ query.target.name }}</p>",
        "<p>{{ query.author.label }}</p>",
        '<p title="{{ query.title|visible }}">',
        "{% block title %}{{ query.title|visible }}{% endblock %}",
        "<option>{{ pod.name|visible }}</option>",
        '<a title="{% person user %}">',
        "<p>{% firstof query.reason query.ticket %}</p>",
        "<p>{{ query.reason|linebreaksbr }}</p>",
        '<p>{{ query.tables|join:", " }}</p>',
    ],
)  # fmt: skip
def test_what_is_not_drawn_is_found(source: str) -> None:
    assert any(problem(shown) for shown in shown_in(source))

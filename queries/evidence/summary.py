"""The page for people: no script, nothing from outside, what it says is in `request.json` as well."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string

from accounts.models import User
from queries.models import QueryRequest
from queries.presentation.checks import passed
from queries.words import ACCESSES, LANGUAGES, named, of


def summary(query: QueryRequest, content: dict[str, Any], reader: User) -> str:
    """The page as HTML."""
    context = {
        "said": content,
        "status": of(query),
        "access": named(ACCESSES, query.access),
        "language": named(LANGUAGES, query.language),
        "passed": passed(query.verified),
        "reader": reader,
    }
    return render_to_string("evidence/summary.html", context)

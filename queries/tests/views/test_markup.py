"""Every template keeps the strict policy: no inline script, no inline style, no handler, no other host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from queries.tests.views.conftest import SignedIn
from queries.tests.world import World

# Without the summary in an evidence file, which is read by itself and brings its own style and policy.
TEMPLATES = sorted(
    set(Path(settings.BASE_DIR, "templates").rglob("*.html"))
    - {Path(settings.BASE_DIR, "templates/evidence/summary.html")}
)
FORBIDDEN = {
    "an inline style": re.compile(r"\sstyle\s*="),
    "a style element": re.compile(r"<style", re.IGNORECASE),
    "an inline handler": re.compile(r"\son[a-z]+\s*=", re.IGNORECASE),
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE),
    "a javascript address": re.compile(r"javascript:", re.IGNORECASE),
    "text passed as safe": re.compile(r"\|\s*safe\b|autoescape\s+off"),
    "another host": re.compile(r"(src|href)=\"(https?:)?//"),
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_template_keeps_the_policy(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert [name for name, pattern in FORBIDDEN.items() if pattern.search(text)] == []


def test_policy_forbids_everything_it_does_not_name(db: None) -> None:
    policy = Client().get("/accounts/login/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_what_a_person_wrote_is_never_markup(world: World, client_of: SignedIn) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    query = world.submitted(f"SELECT '{attack}' AS x", reason=attack, ticket="<b>")
    for address in ("/", "/review/", f"/queries/{query.public_id}/"):
        body = client_of(world.reviewer).get(address).content.decode()
        assert "<script>alert" not in body
        assert "<img src=x" not in body

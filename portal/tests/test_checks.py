"""Each system check finds what it is there for, and nothing in settings that fit."""

from __future__ import annotations

from typing import Any

import pytest

from portal.checks import check_settings

FITTING: dict[str, Any] = {
    "PORTAL_BASE_URL": "https://portal.example.org",
    "PORTAL_SECURE": True,
    "ALLOWED_HOSTS": ["portal.example.org"],
    "DEBUG": False,
    "SECRET_KEY": "s" * 50,
    "PORTAL_RESULT_KEYS": {"k1": b"k" * 32},
    "PORTAL_METRICS_TOKEN": "m" * 24,
    "PORTAL_SCRIPTS_UNCONFINED": False,
}


def found(settings: Any, **changed: Any) -> list[str | None]:
    for name, value in {**FITTING, **changed}.items():
        setattr(settings, name, value)
    return [message.id for message in check_settings()]


def test_settings_that_fit(settings: Any) -> None:
    assert found(settings) == []


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        ("portal.E001", {"PORTAL_BASE_URL": "portal.example.org"}),
        ("portal.E001", {"PORTAL_BASE_URL": "ftp://portal.example.org"}),
        ("portal.E002", {"PORTAL_BASE_URL": "http://portal.example.org"}),
        ("portal.E003", {"DEBUG": True}),
        ("portal.E004", {"PORTAL_RESULT_KEYS": {}}),
        ("portal.E005", {"SECRET_KEY": "k" * 32}),
        ("portal.E006", {"PORTAL_METRICS_TOKEN": "short"}),
        ("portal.E007", {"PORTAL_SCRIPTS_UNCONFINED": True}),
        ("portal.W001", {"ALLOWED_HOSTS": ["other.example.org"]}),
    ],
)
def test_what_does_not_fit_is_found(check: str, changed: dict[str, Any], settings: Any) -> None:
    assert found(settings, **changed) == [check]

"""Every variable the settings read is in the README, and nothing else is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
READ = re.compile(r"env\.\w+\(\s*\"(PORTAL_[A-Z_]+)\"")
DESCRIBED = re.compile(r"^\| `(PORTAL_[A-Z_]+)` \|", re.MULTILINE)


def start(**changed: str | None) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of its own, with some variables changed or (None) away."""
    environment = {**os.environ, **{name: value for name, value in changed.items() if value is not None}}
    for name, value in changed.items():
        if value is None:
            environment.pop(name, None)
    program = "import portal.settings"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_readme_describes_exactly_what_is_read() -> None:
    read = set(READ.findall((ROOT / "portal" / "settings.py").read_text(encoding="utf-8")))
    described = set(DESCRIBED.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert len(read) > 15
    assert described == read


@pytest.mark.parametrize("name", ["PORTAL_DATABASE_URL", "PORTAL_SECRET_KEY", "PORTAL_RESULT_KEYS"])
def test_a_missing_variable_stops_the_start_by_name(name: str) -> None:
    ended = start(**{name: None})
    assert ended.returncode == 1
    assert f"{name} is not set" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTAL_DEBUG", "yes"),
        ("PORTAL_SECRET_KEY", "short"),
        ("PORTAL_DATABASE_URL", "sqlite:///x"),
        ("PORTAL_RESULT_KEYS", "k1:short"),
        ("PORTAL_TRUSTED_PROXIES", "-1"),
        ("PORTAL_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_value_that_cannot_be_is_named(name: str, value: str) -> None:
    ended = start(**{name: value})
    assert ended.returncode == 1
    assert name in ended.stderr.splitlines()[-1]


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("k" * 50 + "\n", encoding="utf-8")
    assert start(PORTAL_SECRET_KEY=None, PORTAL_SECRET_KEY_FILE=str(file)).returncode == 0
    assert "not both" in start(PORTAL_SECRET_KEY_FILE=str(file)).stderr
    assert "cannot be read" in start(PORTAL_SECRET_KEY=None, PORTAL_SECRET_KEY_FILE="/nowhere").stderr

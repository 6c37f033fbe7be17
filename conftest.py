"""What every test shares: servers that exist or a reason why not, and a real Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, NoReturn

import pytest

from devtools import postgres
from devtools.binaries import UnavailableError, older_postgresql_programs
from devtools.servers import MONGO_MISSING, MONGO_URL, POSTGRES_URL, throwaway_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The people, pods and the live target that tests share.
pytest_plugins = ["portal.tests.people"]

IN_CI = os.environ.get("CI") == "true"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Chromium would look for its maker's hosts at every start; its own sandbox cannot nest in a root container.
CHROMIUM_OPTIONS = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


def missing(reason: str) -> NoReturn:
    """Skip the test on a laptop; fail it in CI, which must have everything."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A superuser's URL of the PostgreSQL that tests may do anything to."""
    return os.environ[POSTGRES_URL]


@pytest.fixture(scope="session")
def older_postgres_url() -> Iterator[str]:
    """The same of an older PostgreSQL, which is started when a test first asks for it."""
    with ExitStack() as stack:
        folder = stack.enter_context(throwaway_folder())
        try:
            programs = older_postgresql_programs()
            server = stack.enter_context(postgres.running(folder / "older", durable=False, older=programs))
        except UnavailableError as error:
            missing(str(error))
        yield server.url()


@pytest.fixture(scope="session")
def mongo_url() -> str:
    """An administrator's URL of the MongoDB that tests may do anything to."""
    if MONGO_URL not in os.environ:
        missing(f"no MongoDB: {os.environ.get(MONGO_MISSING)}")
    return os.environ[MONGO_URL]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of an installed Chromium."""
    path = next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), "")
    if not path:
        missing("no Chromium: install the package `chromium`")
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A running Chromium; ask it for `new_context()` per person."""
    from playwright.sync_api import sync_playwright

    # Playwright's synchronous API keeps an event loop on this thread, which Django would refuse to query beside.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        options = [*CHROMIUM_OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        yield playwright.chromium.launch(executable_path=chromium, args=options)
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]

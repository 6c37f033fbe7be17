"""The pytest plugin that has the servers running before Django reads its settings (`-p` in pyproject.toml)."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from devtools import servers
from devtools.binaries import UnavailableError


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Start the servers and put their addresses in the environment, around pytest-django's own hook.

    With `-n`, each worker has servers of its own, so that tests may do anything to them; the process that hands the
    tests out runs none, and has only what Django's settings ask for.
    """
    hands_out = "PYTEST_XDIST_WORKER" not in os.environ
    if hands_out and getattr(early_config.known_args_namespace, "numprocesses", None):
        os.environ.update(servers.settings_only() | os.environ)
        yield
        return
    stack = ExitStack()
    early_config.add_cleanup(stack.close)
    try:
        environment = stack.enter_context(servers.throwaway())
    except UnavailableError as error:
        raise pytest.UsageError(str(error)) from error
    os.environ.update(environment)
    yield

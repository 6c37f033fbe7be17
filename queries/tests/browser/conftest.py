"""The portal as a browser meets it: served by real threads, on a database of its own."""

from collections.abc import Iterator

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread
from django.test.utils import override_settings
from playwright.sync_api import expect

from queries.tests.world import World

# A busy machine is slow; a state that comes late is still that state.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def portal(committed: World) -> Iterator[str]:
    """The address of the portal, served by threads of its own on the committed database.

    pytest-django's live server empties every table afterwards, which the audit log refuses.
    """
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    # Nothing is collected for a test: static files are found when asked for.
    with override_settings(WHITENOISE_AUTOREFRESH=True):
        server.start()
        server.is_ready.wait()
    if server.error:
        raise server.error
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()

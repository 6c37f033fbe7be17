"""How the portal is served, in the demo and in production. Read by gunicorn from its working directory.

Threads, because a request may wait for a target; the work itself happens in helper processes of each worker.
"""

import gc
import os
import threading
from typing import Any

bind = os.environ.get("PORTAL_BIND", "0.0.0.0:8000")
worker_class = "portal.serving.Worker"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# A run only waits in its thread, and all places may be taken by runs of one worker; then eight more wait for a place in
# it (`queries.running.places`), and no others: the sixteen threads that are left answer pages, whatever runs.
# Measured (`make bench ARGS=crowd`): with 16 runs under way a worker takes 63 MiB, the 16 helper processes with their
# sandboxes 520 MiB together, and the portal's database has 17 connections: one for each run, and one for the pages.
# At most there is one for each thread that asks the database: `workers * threads`, 80 with these settings.
# Maintenance that outlasts its approval has a thread of its own beside these, which ends with the worker.
threads = int(os.environ.get("PORTAL_PLACES", "16")) + 8 + 16
preload_app = True
# A worker's main thread answers this heartbeat; a request that waits for its target does not hold it up.
timeout = 60
# A deploy lets running statements come to their end, or to their target's limit, for this long.
graceful_timeout = 60
keepalive = 5
# Nobody steers it over a socket; signals do.
control_socket_disable = True


def when_ready(_server: Any) -> None:
    """What was loaded before the fork lives as long as its process: no worker looks through it for garbage.

    That took some 80 ms at a time, in which the worker answers nobody.
    """
    gc.collect()
    gc.freeze()


def post_worker_init(_worker: Any) -> None:
    """Have helpers and sandbox ready before the first approval, without holding up the first request."""
    from executors import processes  # noqa: PLC0415 -- in the worker, after the fork

    threading.Thread(target=processes.warm_up, name="warm-up", daemon=True).start()

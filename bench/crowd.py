"""Pages while every place is taken by a long run, against pages of an idle portal."""

import http.client
import threading
import time
from collections.abc import Iterator, Mapping

from bench.figure import Figure, seconds
from bench.stage import Client, Stage, submit

RUNS = 16
RUN_SECONDS = 20
ROUNDS = 200
GOAL = 3.0


def measure(stage: Stage) -> Iterator[Figure]:
    """The slowest of a hundred answers, idle and under way; each on a connection of its own, as a balancer's may be."""
    from pods.models import Target  # noqa: PLC0415 -- the stage has set Django up

    Target.objects.filter(slug="flights").update(places=RUNS)
    asked = {"the queue": ("/review/", {"Cookie": _session()}), "`/healthz`": ("/healthz", {})}
    idle = {name: _p99(stage, *page) for name, page in asked.items()}
    queries = [_long() for _ in range(RUNS)]
    # Signed in last: a connection on which nothing is asked is closed after seconds.
    runs = [
        threading.Thread(target=Client(stage.port, f"manager{i % 8}").approve, args=(query,))
        for i, query in enumerate(queries)
    ]
    for run in runs:
        run.start()
    time.sleep(3)
    for name, page in asked.items():
        busy = _p99(stage, *page)
        if not all(run.is_alive() for run in runs):
            raise RuntimeError("the runs ended before the pages were measured")
        note = f"{busy * 1000:.1f} ms against {idle[name] * 1000:.1f} ms"
        yield Figure(f"p99 of {name}, {RUNS} runs under way ÷ idle", busy / idle[name], goal=GOAL, note=note)
    for run in runs:
        run.join()


def _long() -> dict[str, object]:
    return submit(f"select pg_sleep({RUN_SECONDS})")


def _session() -> str:
    from django.conf import settings  # noqa: PLC0415
    from django.test import Client as Browser  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415

    browser = Browser()
    browser.force_login(User.objects.get(username="manager0"), backend="django.contrib.auth.backends.ModelBackend")
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


def _p99(stage: Stage, path: str, headers: Mapping[str, str]) -> float:
    return sorted(seconds(lambda: _get(stage.port, path, headers)) for _ in range(ROUNDS))[ROUNDS * 99 // 100]


def _get(port: int, path: str, headers: Mapping[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status != http.client.OK:
        raise RuntimeError(f"{path}: {response.status}")

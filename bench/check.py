"""Reading a statement before it is asked for: what the form does while its author types."""

from collections.abc import Iterator
from itertools import count

from bench.figure import Figure, in_turns
from bench.stage import Client, Stage

ROUNDS = 40
BYTES = 1000
GOAL_MS = 15
COLUMN = "count(*) filter (where dep_delay > {}) as over_{}"


def measure(stage: Stage) -> Iterator[Figure]:
    """A read of a kilobyte over HTTP, each time another, which its target knows the names of."""
    author, numbers = Client(stage.port, "author"), count()

    def check() -> None:
        body = {"pod": "bench", "target": "flights", "language": "sql", "access": "read"}
        answer = author.post("queries/check/", {**body, "statement": _read(next(numbers))})
        if "names_known" not in answer["verified"]:
            raise RuntimeError(answer)

    for _ in range(9):  # each worker has what it reads with started
        check()
    (taken,) = in_turns([check], ROUNDS)
    yield Figure("`check` of 1 kB, the target asked", taken * 1000, "ms", GOAL_MS)


def _read(number: int) -> str:
    text = f"select carrier, {COLUMN.format(number, number)}"
    while len(text) < BYTES:
        text += f", {COLUMN.format(number + len(text), len(text))}"
    return f"{text} from flights group by carrier"

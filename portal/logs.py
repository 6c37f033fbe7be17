"""What the portal writes to stderr: one line an event, as JSON or as words, and never anything of a person's.

Statements, values and credentials stay out of it: of an error its type and its place are told, not its words, for a
database's words quote what it was given.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import structlog
from structlog.typing import EventDict, ExcInfo, WrappedLogger

from audit.context import current

FORMATS = ("json", "line")
ROOT = Path(__file__).resolve().parent.parent
# What may stand beside a message: the rest of what loggers attach is objects, whose text may hold anything.
BESIDE = ("query_id", "status_code")
# Of more frames than this only the innermost are told.
FRAMES = 30
Processor: TypeAlias = Callable[[WrappedLogger, str, EventDict], EventDict]


def configuration(form: str, level: str) -> dict[str, Any]:
    """`LOGGING`, for one of `FORMATS`. Also of what gunicorn says once the portal is loaded."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "event": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [LAST, as_json() if form == "json" else line],
                "foreign_pre_chain": BEFORE,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "event"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Statements and their parameters are the pods' data; they never reach a log.
            "django.db.backends": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            "gunicorn.error": {"handlers": ["stderr"], "propagate": False},
        },
    }


def about(**facts: str) -> None:
    """Put facts beside every event of this request, or of this run of a task, from now on: `query_id`."""
    structlog.contextvars.bind_contextvars(**facts)


def forget() -> None:
    """What `about` said holds no longer."""
    structlog.contextvars.clear_contextvars()


# --- what an event becomes -------------------------------------------------------------------------


def request_id(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """The number of the request in which it happened, as in the answer's `X-Request-ID` and in the audit log."""
    number = current().get("request")
    return event if number is None else {**event, "request_id": number}


def error_place(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Type and place of an exception and of those that led to it, without what they say."""
    told = event.pop("exc_info", None)
    event.pop("exception", None)
    if isinstance(told, tuple) and told[1] is not None:
        event["error"], event["trace"] = _error(told)
    return event


def _error(told: ExcInfo) -> tuple[str, list[str]]:
    chain: list[BaseException] = []
    error: BaseException | None = told[1]
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    name = f"{type(told[1]).__module__}.{type(told[1]).__qualname__}".removeprefix("builtins.")
    causes = [f"from {type(cause).__qualname__} at {_innermost(cause.__traceback__)}" for cause in chain[1:]]
    return name, [*map(_place, traceback.extract_tb(told[2])[-FRAMES:]), *causes]


def _innermost(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    return _place(frames[-1]) if frames else "an unknown place"


def _place(frame: traceback.FrameSummary) -> str:
    return f"{frame.filename.removeprefix(f'{ROOT}/')}:{frame.lineno} {frame.name}"


def as_json() -> structlog.processors.JSONRenderer:
    """One object a line; what JSON does not know is told by its type alone."""
    return structlog.processors.JSONRenderer(default=lambda value: f"<{type(value).__name__}>", ensure_ascii=False)


def line(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    """The same for eyes: moment, level, logger, words, what stands beside; the trace below."""
    head = " ".join(str(event.pop(name)) for name in ("timestamp", "level", "logger", "event"))
    trace = event.pop("trace", [])
    beside = "".join(f" {name}={value}" for name, value in event.items())
    return "\n    ".join([(head + beside).replace("\n", "\\n"), *trace])


LAST = structlog.stdlib.ProcessorFormatter.remove_processors_meta
BEFORE: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(allow=BESIDE),
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    request_id,
    error_place,
]

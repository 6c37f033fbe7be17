"""The plain data of `executors.base` as JSON objects and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from executors import base
from executors.base import (
    Access,
    Activity,
    Analysis,
    Blocker,
    Call,
    Column,
    EngineKind,
    ExecutionError,
    Finding,
    FindingCode,
    Job,
    Language,
    Limits,
    Outcome,
    ReadOutcome,
    ScriptOutcome,
    Severity,
    StatementFailed,
    StatementResult,
    Table,
    Target,
    Verified,
    WriteOutcome,
)

_ERRORS: dict[str, type[ExecutionError]] = {
    kind.code.value: kind
    for kind in (
        base.StatementFailed,
        base.TimedOut,
        base.Cancelled,
        base.Refused,
        base.RowBound,
        base.TooLarge,
        base.Unreachable,
        base.Interrupted,
        base.OutcomeUnknown,
    )
}

_MESSAGE_BYTES = 8 * 1024

Question = Literal["introspect", "commit_status", "activity", "server_version"]


def from_target(target: Target) -> dict[str, Any]:
    """A target as JSON, its URL included: it goes to a helper, never into a log."""
    return asdict(target)


def to_target(data: Mapping[str, Any]) -> Target:
    """The target in `data`."""
    return Target(
        data["key"],
        EngineKind(data["engine"]),
        Access(data["access"]),
        data["url"],
        tuple(data["search_path"]),
        tuple(data["script_modules"]),
    )


def from_job(job: Job) -> dict[str, Any]:
    """A job as JSON."""
    return asdict(job)


def to_job(data: Mapping[str, Any]) -> Job:
    """The job in `data`."""
    return Job(
        data["id"],
        to_target(data["target"]),
        Language(data["language"]),
        data["statement"],
        Limits(**data["limits"]),
        tuple(data["parameters"]),
    )


def from_outcome(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON."""
    return {"kind": type(outcome).__name__, **asdict(outcome)}


def to_outcome(data: Mapping[str, Any]) -> Outcome:
    """The outcome in `data`."""
    values = dict(data)
    kind = values.pop("kind")
    if kind == "ReadOutcome":
        return ReadOutcome(**values)
    if kind == "ScriptOutcome":
        return ScriptOutcome(**values)
    values["statements"] = tuple(StatementResult(**item) for item in values["statements"])
    return WriteOutcome(**values)


def from_error(error: ExecutionError) -> dict[str, Any]:
    """An error as JSON, bounded to 8 kB."""
    detail = {str(key): _bounded(str(value), 2048) for key, value in error.detail.items()}
    return {"code": error.code.value, "message": _bounded(error.public_message, _MESSAGE_BYTES), "detail": detail}


def to_error(data: Mapping[str, Any]) -> ExecutionError:
    """The error in `data`."""
    kind = _ERRORS.get(data["code"], StatementFailed)
    return kind(data["message"], detail=data["detail"])


def to_call(data: Mapping[str, Any]) -> Call:
    """The script call in `data`."""
    return Call(**data)


def from_activity(activity: Activity | None) -> dict[str, Any] | None:
    """An activity as JSON."""
    return None if activity is None else asdict(activity)


def to_activity(data: Mapping[str, Any] | None) -> Activity | None:
    """The activity in `data`."""
    if data is None:
        return None
    return Activity(**{**data, "blocked_by": tuple(Blocker(**item) for item in data["blocked_by"])})


def from_tables(tables: tuple[Table, ...]) -> list[dict[str, Any]]:
    """Tables as JSON."""
    return [asdict(table) for table in tables]


def to_tables(data: list[dict[str, Any]]) -> tuple[Table, ...]:
    """The tables in `data`."""
    return tuple(Table(**{**item, "columns": to_columns(item["columns"])}) for item in data)


def to_columns(data: list[dict[str, str]]) -> tuple[Column, ...]:
    """The columns in `data`."""
    return tuple(Column(item["name"], item["type"]) for item in data)


def from_analysis(analysis: Analysis) -> dict[str, Any]:
    """What reading told, as JSON."""
    return asdict(analysis)


def to_analysis(data: Mapping[str, Any]) -> Analysis:
    """The analysis in `data`."""
    return Analysis(
        Access(data["access"]),
        tuple(data["kinds"]),
        tuple(data["tables"]),
        tuple(_to_finding(item) for item in data["findings"]),
        tuple(Verified(item) for item in data["verified"]),
    )


def _to_finding(data: Mapping[str, Any]) -> Finding:
    return Finding(**{**data, "code": FindingCode(data["code"]), "severity": Severity(data["severity"])})


def _bounded(text: str, size: int) -> str:
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= size else encoded[: size - 3].decode("utf-8", "ignore") + "…"

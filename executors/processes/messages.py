"""The plain data of `executors.base` as JSON objects and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from executors.base import (
    ERRORS,
    Access,
    Activity,
    Aftermath,
    Analysis,
    Blocker,
    Call,
    Cells,
    Column,
    CommitStatus,
    ConnectionLimit,
    Effect,
    End,
    EngineKind,
    Examined,
    ExecutionError,
    FailureCode,
    Finding,
    FindingCode,
    Flaw,
    FlawCode,
    Gap,
    Image,
    Images,
    Job,
    KeepLimits,
    Language,
    Limits,
    Parameter,
    Plan,
    PlanStep,
    Progress,
    Purpose,
    ReadOutcome,
    Reference,
    RehearsalOutcome,
    Rehearsing,
    Required,
    RowChange,
    Running,
    SchemaChange,
    SchemaVerb,
    ScriptOutcome,
    Severity,
    StatementResult,
    Structure,
    Table,
    TableEffect,
    Target,
    Verified,
    Word,
    WriteOutcome,
)
from executors.base.parameters import from_json, to_json

_MESSAGE_BYTES = 8 * 1024

Question = Literal[
    "introspect",
    "commit_status",
    "aftermath",
    "activity",
    "server_version",
    "connection_limit",
    "examine",
    "word",
    "plan",
    "structure",
]


def from_target(target: Target) -> dict[str, Any]:
    """A target as JSON, its URL included: it goes to a helper, never into a log."""
    return _fields(target)


def to_target(data: Mapping[str, Any]) -> Target:
    return Target(
        data["key"],
        EngineKind(data["engine"]),
        Access(data["access"]),
        data["url"],
        tuple(data["search_path"]),
        tuple(data["script_modules"]),
        data["large_rows"],
        tuple(data["personal"]),
        data["seconds"],
        data["lock_seconds"],
    )


def from_job(job: Job) -> dict[str, Any]:
    return {
        **_fields(job),
        "target": from_target(job.target),
        "limits": _fields(job.limits),
        "parameters": from_parameters(job.parameters),
        "purpose": {"kind": type(job.purpose).__name__, **asdict(job.purpose)},
    }


def _fields(value: Target | Job | Limits | ReadOutcome) -> dict[str, Any]:
    """As `asdict`, of what holds nothing that needs it: without a copy of every value, on the way of every run."""
    return {name: getattr(value, name) for name in value.__slots__}


def to_job(data: Mapping[str, Any]) -> Job:
    return Job(
        data["id"],
        to_target(data["target"]),
        Language(data["language"]),
        data["statement"],
        Limits(**data["limits"]),
        to_parameters(data["parameters"]),
        _to_purpose(data["purpose"]),
    )


def from_parameters(parameters: Sequence[Parameter]) -> list[Any]:
    """Parameters as JSON."""
    return list(map(to_json, parameters))


def to_parameters(data: Sequence[Any]) -> tuple[Parameter, ...]:
    """The parameters in `data`."""
    return tuple(map(from_json, data))


def from_outcome(outcome: End) -> dict[str, Any]:
    fields = _fields(outcome) if isinstance(outcome, ReadOutcome) else asdict(outcome)
    return {"kind": type(outcome).__name__, **fields}


def to_outcome(data: Mapping[str, Any]) -> End:
    values = dict(data)
    kind = values.pop("kind")
    if kind == "ReadOutcome":
        return ReadOutcome(**values)
    values["effect"] = to_effect(values["effect"])
    if kind == "ScriptOutcome":
        return ScriptOutcome(**values)
    values["statements"] = tuple(StatementResult(**item) for item in values["statements"])
    if kind == "RehearsalOutcome":
        structure = values.pop("structure")
        return RehearsalOutcome(**values, structure=Structure(tuple(structure["tables"]), structure["digest"]))
    return WriteOutcome(**values)


def _to_purpose(data: Mapping[str, Any]) -> Purpose:
    values = dict(data)
    if values.pop("kind") == "Rehearsing":
        return Rehearsing(**{**values, "tables": tuple(values["tables"])})
    keep = values.pop("keep")
    return Running(**values, keep=KeepLimits(**keep) if keep else None)


def from_effect(effect: Effect) -> dict[str, Any]:
    """An effect as JSON, the rows of its sample included."""
    return asdict(effect)


def to_effect(data: Mapping[str, Any] | None) -> Effect | None:
    if data is None:
        return None
    schema = tuple(SchemaChange(SchemaVerb(item["verb"]), item["what"]) for item in data["schema"])
    return Effect(tuple(map(_to_table_effect, data["tables"])), data["exact"], schema, data["counted"], data["lasts"])


def from_images(images: Images) -> dict[str, object]:
    """Rows kept for an undo as JSON."""
    return images.json()


def to_images(data: Mapping[str, Any]) -> Images:
    item = data["image"]
    columns = to_columns(item["columns"])
    names = (tuple(item["key"]), tuple(item["generated"]), tuple(item["identity"]))
    image = Image(item["schema"], item["table"], columns, *names, item["parts"], item["deferrable"])
    return Images(image, _to_changes(data["changes"]))


def _to_table_effect(item: Mapping[str, Any]) -> TableEffect:
    return TableEffect(
        item["table"],
        item["inserted"],
        item["updated"],
        item["deleted"],
        to_columns(item["columns"]),
        tuple(item["key"]),
        _to_changes(item["changes"]),
        item["complete"],
        Gap(item["gap"]) if item["gap"] else None,
    )


def _to_changes(items: Sequence[Mapping[str, Any]]) -> tuple[RowChange, ...]:
    return tuple(RowChange(_to_cells(item["before"]), _to_cells(item["after"])) for item in items)


def _to_cells(values: Sequence[str | None] | None) -> Cells | None:
    return None if values is None else tuple(values)


def from_error(error: ExecutionError) -> dict[str, Any]:
    """An error as JSON, bounded to 8 kB."""
    detail = {str(key): _bounded(str(value), 2048) for key, value in error.detail.items()}
    return {"code": error.code.value, "message": _bounded(error.public_message, _MESSAGE_BYTES), "detail": detail}


def to_error(data: Mapping[str, Any]) -> ExecutionError:
    return ERRORS[FailureCode(data["code"])](data["message"], detail=data["detail"])


def from_call(call: Call) -> tuple[object, ...]:
    """A call as JSON: its fields in their order. A script makes thousands."""
    return call.number, call.statement, call.parameters, call.rows, call.milliseconds, call.failure


def to_calls(data: Mapping[str, Any]) -> Iterator[Call]:
    """The calls of one frame."""
    return (Call(*fields) for fields in data["calls"])


def from_limit(limit: ConnectionLimit | None) -> list[object] | None:
    """For the wire."""
    return None if limit is None else [limit.most, limit.setting]


def to_limit(answer: Any) -> ConnectionLimit | None:
    """From the wire."""
    return None if answer is None else ConnectionLimit(*answer)


def from_examined(examined: Examined) -> dict[str, Any]:
    """For the wire."""
    return asdict(examined)


def to_examined(data: Mapping[str, Any]) -> Examined:
    """From the wire."""
    return Examined(**{**data, "flaws": tuple(map(_to_flaw, data["flaws"]))})


def _to_flaw(data: Mapping[str, Any]) -> Flaw:
    return Flaw(**{**data, "code": FlawCode(data["code"]), "names": tuple(data["names"])})


def from_activity(activity: Activity | None) -> dict[str, Any] | None:
    return None if activity is None else asdict(activity)


def to_activity(data: Mapping[str, Any] | None) -> Activity | None:
    if data is None:
        return None
    blocked_by = tuple(Blocker(**item) for item in data["blocked_by"])
    progress = Progress(**data["progress"]) if data["progress"] else None
    return Activity(**{**data, "blocked_by": blocked_by, "progress": progress})


def from_aftermath(aftermath: Aftermath) -> dict[str, Any]:
    """For the wire."""
    return asdict(aftermath)


def to_aftermath(data: Mapping[str, Any]) -> Aftermath:
    """From the wire."""
    return Aftermath(**{**data, "status": CommitStatus(data["status"])})


def from_tables(tables: tuple[Table, ...]) -> list[dict[str, Any]]:
    return [asdict(table) for table in tables]


def to_tables(data: list[dict[str, Any]]) -> tuple[Table, ...]:
    return tuple(_to_table(item) for item in data)


def _to_table(data: Mapping[str, Any]) -> Table:
    keys = tuple(data["primary_key"])
    references = tuple(Reference(**item) for item in data["references"])
    return Table(**{**data, "columns": to_columns(data["columns"]), "primary_key": keys, "references": references})


def to_columns(data: Sequence[Mapping[str, str]]) -> tuple[Column, ...]:
    return tuple(Column(item["name"], item["type"]) for item in data)


def from_analysis(analysis: Analysis) -> dict[str, Any]:
    """What reading told, as JSON."""
    return asdict(analysis)


def to_analysis(data: Mapping[str, Any]) -> Analysis:
    return Analysis(
        Access(data["access"]),
        tuple(data["kinds"]),
        tuple(data["tables"]),
        tuple(_to_finding(item) for item in data["findings"]),
        tuple(Verified(item) for item in data["verified"]),
        tuple(Required(**item) for item in data["modules"]),
        data["fingerprint"],
    )


def from_word(word: Word) -> dict[str, Any]:
    """A target's word as JSON."""
    return asdict(word)


def to_word(data: Mapping[str, Any]) -> Word:
    """The word in `data`."""
    return Word(
        tuple(map(_to_finding, data["findings"])),
        tuple(Verified(item) for item in data["verified"]),
        tuple(FindingCode(item) for item in data["settles"]),
    )


def from_plan(plan: Plan) -> dict[str, Any]:
    """A plan as JSON."""
    return asdict(plan)


def to_plan(data: Mapping[str, Any]) -> Plan:
    """The plan in `data`."""
    return Plan(tuple(PlanStep(**step) for step in data["steps"]), data["rows"], tuple(data["notes"]))


def _to_finding(data: Mapping[str, Any]) -> Finding:
    return Finding(**{**data, "code": FindingCode(data["code"]), "severity": Severity(data["severity"])})


def _bounded(text: str, size: int) -> str:
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= size else encoded[: size - 3].decode("utf-8", "ignore") + "…"

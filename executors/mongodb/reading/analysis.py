"""What reading a mongosh expression tells before anything runs: access, collections, refusals and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from executors.base import Access, Analysis, EngineKind, Finding, FindingCode, Parameter, Severity, Verified
from executors.base.parameters import named
from executors.javascript import quoted_ranges
from executors.lookalikes import check_signs
from executors.mongodb.findings.remarks import explains, index_change, remark, remarks, writing_stage
from executors.mongodb.reading.command import Command
from executors.mongodb.reading.filters import Reach
from executors.mongodb.reading.guard import Facts, examine
from executors.mongodb.reading.methods import PUT_BACK
from executors.mongodb.reading.named import passing_names
from executors.mongodb.reading.parse import parse
from executors.mongodb.reading.source import Unreadable
from executors.mongodb.reading.translated import translated
from executors.mongodb.reading.writes import filtered_writes
from executors.text import Ranges, check_text, verified_text


def analyse(
    engine: EngineKind,  # noqa: ARG001 - every analyser is called alike; only MongoDB is asked in this language
    statement: str,
    parameters: Sequence[Parameter],
    access: Access,
) -> Analysis:
    """Read a statement for `access`. Never raises: what cannot be read is a finding with its place."""
    try:
        command = parse(statement, parameters=parameters)
    except Unreadable as unreadable:
        text_findings = _door(statement)
        findings = (*text_findings, *(unreadable.before or (_offered(unreadable.finding, statement),)))
        return Analysis(access, findings=findings, verified=verified_text(text_findings))
    unquoted = Ranges(command.literals).outside(statement)
    text_findings = (*_door(statement, command.literals), *passing_names(command, unquoted))
    found = analyse_command(command, access)
    if command.wrong:
        # What the null that stands for a missing value is wrong for is nothing the author wrote.
        return Analysis(found.access, found.kinds, found.tables, (*text_findings, *command.wrong))
    extra = tuple(_about_parameters(command, parameters))
    readable = all(finding.severity is not Severity.ERROR for finding in text_findings)
    return Analysis(
        found.access,
        found.kinds,
        found.tables,
        (*text_findings, *extra, *found.findings),
        (*((Verified.SYNTAX,) if readable else ()), *verified_text(text_findings), *found.verified),
    )


# What is wrong with a text that works in the shell all the same.
_OF_SHELL = frozenset(
    {
        FindingCode.MONGO_ARGUMENTS,
        FindingCode.MONGO_MODIFIER,
        FindingCode.MONGO_NOT_A_QUERY,
        FindingCode.MONGO_NOT_LITERAL,
        FindingCode.MONGO_ONE_STATEMENT,
        FindingCode.MONGO_SYNTAX,
    }
)


def _offered(finding: Finding, statement: str) -> Finding:
    """The refusal of a text that is no query, with the script that does what it does in the shell."""
    script = translated(statement) if finding.code in _OF_SHELL else ""
    return replace(finding, script=script) if script else finding


def _door(statement: str, literals: Sequence[tuple[int, int]] = ()) -> tuple[Finding, ...]:
    found = check_text(statement, literals)
    return (*found, *check_signs(statement, Ranges(quoted_ranges(statement)), javascript=True))


def analyse_command(command: Command, access: Access) -> Analysis:
    """The same for a command already read, such as one a script asks for."""
    facts = examine(command)
    findings = [
        remark(command, code, Severity.ERROR, message, path, hint) for path, code, message, hint in facts.problems
    ]
    if facts.access is Access.WRITE and access is Access.READ:
        findings.append(_write_in_read(command))
    verified: tuple[Verified, ...] = ()
    if not facts.problems:
        findings.extend(remarks(command, facts))
        verified = tuple(_verified(command, facts))
    return Analysis(facts.access, (command.method,), tuple(sorted(facts.collections)), tuple(findings), verified)


def _about_parameters(command: Command, parameters: Sequence[Parameter]) -> Iterator[Finding]:
    if command.method != PUT_BACK:
        if len(named(parameters)) < len(parameters):
            message, hint = "A MongoDB query takes parameters by name.", "Give each a name, and write params.name."
            yield Finding(FindingCode.MONGO_PARAMETERS, Severity.ERROR, message, hint=hint)
        return
    wanted = len(command.args[0]) if isinstance(command.args[0], list) else 0
    if wanted != len(parameters):
        message = f"The statement uses {wanted} parameter(s), {len(parameters)} given."
        yield Finding(FindingCode.PARAMETERS_MISMATCH, Severity.ERROR, message)
    elif not all(isinstance(parameter, str) for parameter in parameters):
        message = "The parameters of putBack are text: a line of JSON for each document."
        yield Finding(FindingCode.MONGO_PARAMETERS, Severity.ERROR, message)


def _write_in_read(command: Command) -> Finding:
    return remark(
        command,
        FindingCode.WRITE_IN_READ,
        Severity.ERROR,
        f"{command.method} writes, but read access was asked for.",
        (),
        "Ask for write access, or change the statement so that it only reads.",
    )


def _verified(command: Command, facts: Facts) -> Iterator[Verified]:
    """What holds of a command whose every method, stage, option and key `examine` has looked at."""
    yield Verified.ALLOWED_KIND
    yield Verified.NO_SERVER_JAVASCRIPT
    yield Verified.ONE_DATABASE
    if facts.access is Access.READ:
        yield Verified.ONLY_READS
        return
    writes = list(filtered_writes(command))
    if command.method == PUT_BACK or (writes and all(write.reach is Reach.SOME for write in writes)):
        yield Verified.EVERY_WRITE_FILTERED
    if not _drops(command):
        yield Verified.NOTHING_DROPPED


def _drops(command: Command) -> bool:
    """Whether an index or what a collection holds goes away as a whole."""
    stage = writing_stage(command)
    if stage is not None and stage[0] == "$out":
        return not explains(command)
    return index_change(command) == "drop"

"""What a person asks for, and everything that can be wrong with it before it is a request."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from accounts.models import User
from executors import processes, registry
from executors.base import (
    Access,
    Analysis,
    EngineKind,
    Finding,
    FindingCode,
    Language,
    Parameter,
    Severity,
    Word,
)
from executors.normalising import normalised, told
from pods.models import Target
from pods.naming import named
from queries import policies
from queries.services.parameters import Typed, field_of, given, values
from web.errors import BadInput, FieldError
from web.texts import text_problem

REASON_LENGTH = 4000
TICKET_LENGTH = 80
SLUG_LENGTH = 80
MOST_EXPECTED = 10**12


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person asks for, as typed. `pod` and `target` are slugs; `settled` makes its parameters values."""

    pod: str
    target: str
    language: str
    statement: str
    access: str
    reason: str = ""
    ticket: str = ""
    parameters: tuple[Parameter | Typed, ...] = ()
    expects: int | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft whose target is known and whose statement has been read."""

    target: Target
    analysis: Analysis


def check_draft(*, actor: User, draft: Draft) -> Checked:
    """Read a statement as submission would, storing nothing. Raises BadInput for what cannot even be read."""
    target, errors = where(actor, draft)
    draft = settled(draft, errors)
    if target is None or errors:
        raise BadInput(errors)
    return Checked(target, read(target, draft))


def where(actor: User, draft: Draft) -> tuple[Target | None, dict[str, list[FieldError]]]:
    errors: dict[str, list[FieldError]] = {}
    target = _find_target(actor, draft, errors)
    if draft.access not in set(Access):
        errors["access"] = [FieldError(f"Choose {', '.join(Access)}.", "invalid_choice")]
    if target is None:
        return None, errors
    if draft.language not in target.languages:
        offered = ", ".join(target.languages)
        errors["language"] = [FieldError(f"{target.name} takes {offered}.", "invalid_choice")]
    if "access" not in errors:
        _check_credential(target, Access(draft.access), errors)
    if draft.access == Access.MAINTENANCE and not errors and not _maintains(target, Language(draft.language)):
        errors["language"] = [FieldError("Maintenance is written in the target's own language.", "invalid_choice")]
    return target, errors


def _maintains(target: Target, language: Language) -> bool:
    return registry.offers(language, EngineKind(target.engine), Access.MAINTENANCE)


def _find_target(actor: User, draft: Draft, errors: dict[str, list[FieldError]]) -> Target | None:
    has_pod, has_target = (not text_problem(slug, most=SLUG_LENGTH) for slug in (draft.pod, draft.target))
    if has_pod and has_target:
        target = named(draft.pod, draft.target)
        if target is not None and policies.can_submit(actor, target.pod):
            return target
    if has_pod and Target.objects.usable_by(actor).filter(pod__slug=draft.pod).exists():
        errors["target"] = [FieldError("This pod has no such target.", "unknown_target")]
    else:
        errors["pod"] = [FieldError("There is no such pod that you may ask for.", "unknown_pod")]
    return None


def _check_credential(target: Target, access: Access, errors: dict[str, list[FieldError]]) -> None:
    if target.offers(access):
        return
    variable = target.url_variable(access)
    if not variable:
        hint = " An admin can allow it." if access is Access.MAINTENANCE else ""
        errors["access"] = [FieldError(f"{target.name} takes no {access} requests.{hint}", "not_offered")]
    else:
        message = f"{target.name} cannot be reached: the variable {variable} is not set. Tell an admin."
        errors["target"] = [FieldError(message, "credential_missing")]


def check_why(draft: Draft, errors: dict[str, list[FieldError]]) -> None:
    if not draft.reason.strip():
        errors["reason"] = [FieldError("Say what this is for; reviewers read it first.", "required")]
    for name, value, length in (("reason", draft.reason, REASON_LENGTH), ("ticket", draft.ticket, TICKET_LENGTH)):
        problem = text_problem(value, most=length)
        if problem:
            errors[name] = [problem]


def settled(draft: Draft, errors: dict[str, list[FieldError]]) -> Draft:
    """The draft with values for its parameters, in their exact form; what is wrong with one goes to `errors`."""
    return replace(draft, parameters=values(draft.parameters, errors))


def check_expects(draft: Draft, target: Target, errors: dict[str, list[FieldError]]) -> None:
    writes = draft.access == Access.WRITE
    if draft.expects is not None and not writes:
        why = "A read changes no rows" if draft.access == Access.READ else "What maintenance changes is not counted"
        errors["expects"] = [FieldError(f"{why}; leave this empty.", "not_a_write")]
    elif draft.expects is not None and not 0 <= draft.expects <= MOST_EXPECTED:
        errors["expects"] = [FieldError(f"Send a whole number from 0 to {MOST_EXPECTED:,}.", "out_of_range")]
    elif writes and draft.expects is None and target.expects_required:
        errors["expects"] = [FieldError("Say how many rows this should change.", "required")]


def read(target: Target, draft: Draft) -> Analysis:
    language, access = Language(draft.language), Access(draft.access)
    statement = normalised(language, draft.statement)
    parameters = given(draft.parameters)
    analysis = processes.read(language, EngineKind(target.engine), statement, parameters, access)
    refused = _modules_refused(target, analysis)
    found = (*told(language, draft.statement), *_offered(target, analysis.findings), *refused)
    analysis = replace(analysis, findings=found)
    if not target.offers(Access.READ):
        why = "The variable with its read credential is not set."
        return Word.missing(why).beside(analysis, language) if analysis.valid else analysis
    limits = target.limits_for(access)
    asked = replace(target.with_credential(Access.READ), seconds=limits.seconds, lock_seconds=limits.lock_seconds)
    return processes.check(asked, language, statement, access, analysis, parameters)


def _offered(target: Target, findings: Sequence[Finding]) -> Iterator[Finding]:
    """What can be opened as a script, where the target takes one."""
    takes = Language.SCRIPT in target.languages
    for finding in findings:
        hint = "Open it as a script, which does the same."
        opened = replace(finding, hint=hint) if takes else replace(finding, script="")
        yield opened if finding.script else finding


def _modules_refused(target: Target, analysis: Analysis) -> Iterator[Finding]:
    """What a script requires and its target does not allow."""
    allowed = target.script_modules
    listed = f"This target allows {', '.join(sorted(allowed))}." if allowed else "This target allows no modules."
    for module in analysis.modules:
        if module.name not in allowed:
            message = f"The module {module.name} is not allowed on {target.name}."
            hint = f"{listed} Ask an admin to allow it."
            yield Finding(FindingCode.MODULE_NOT_ALLOWED, Severity.ERROR, message, module.line, module.column, hint)


def missing_parameters(*, actor: User, draft: Draft) -> tuple[str, ...]:
    """The names that a statement uses and that have no value yet; none where that cannot be told."""
    found = _findings(actor, draft)
    return tuple(one.parameter for one in found if one.code is FindingCode.PARAMETER_MISSING)


def as_script(*, actor: User, draft: Draft) -> str:
    """What does the same as a statement, as a script; "" where that cannot be told."""
    return next((one.script for one in _findings(actor, draft) if one.script), "")


def _findings(actor: User, draft: Draft) -> tuple[Finding, ...]:
    """What reading a draft tells, the target not being asked; nothing where it cannot even be read."""
    errors: dict[str, list[FieldError]] = {}
    target, _ = where(actor, draft)
    draft = settled(draft, errors)
    if target is None or draft.language not in target.languages or draft.access not in set(Access):
        return ()
    language, kind = Language(draft.language), EngineKind(target.engine)
    statement = normalised(language, draft.statement)
    found = processes.read(language, kind, statement, given(draft.parameters), Access(draft.access)).findings
    return tuple(_offered(target, found))


def refused(analysis: Analysis) -> dict[str, list[FieldError]]:
    """What refuses a statement, by field: the statement, or the parameter that it speaks of."""
    found: dict[str, list[FieldError]] = {}
    for finding in analysis.findings:
        if finding.severity is Severity.ERROR:
            name = field_of(finding.parameter) if finding.parameter else "statement"
            found.setdefault(name, []).append(field_error(finding))
    return found


def field_error(finding: Finding) -> FieldError:
    message = f"{finding.message} {finding.hint}".strip()
    return FieldError(message, finding.code, finding.line, finding.column, finding.script)


# What only some findings have.
_MAY_BE_MISSING = frozenset({"parameter", "script"})


def finding_json(finding: Finding) -> Mapping[str, object]:
    """A finding as it is stored and answered."""
    written = {**asdict(finding), "severity": finding.severity.value}
    return {name: part for name, part in written.items() if part or name not in _MAY_BE_MISSING}

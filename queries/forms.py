"""What people type on the pages, turned into what the services take; the services judge it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import User
from executors.base import NamedParameter
from executors.base.parameters import Placed
from pods.models import Target
from queries.models import KeptDraft, QueryRequest
from queries.parameter_rows import ParameterRows, Row, row_of, rows_of, written
from queries.services import Draft, Unsent, field_of
from queries.words import ACCESSES, LANGUAGES
from web.errors import BadInput, FieldError

LANGUAGE_CHOICES = tuple((language.value, name) for language, name in LANGUAGES.items())
ROWS_DIGITS = 15
ACCESS_CHOICES = tuple((access.value, name) for access, name in ACCESSES.items())


class RequestForm(forms.Form):
    """A new request. Fields take anything: every rule is in `services.submit`, so that page and API say the same."""

    target = forms.CharField(required=False)
    language = forms.CharField(required=False)
    access = forms.CharField(required=False)
    statement = forms.CharField(required=False, strip=False)
    reason = forms.CharField(required=False)
    ticket = forms.CharField(required=False)
    expects = forms.CharField(required=False)
    parameters = forms.CharField(required=False, strip=False)
    named = forms.CharField(required=False, strip=False, widget=ParameterRows, label="Parameters")
    revises = forms.UUIDField(required=False)
    # The draft that it came from, and its state then; none of the request.
    kept = forms.UUIDField(required=False)
    seen = forms.CharField(required=False)

    def __init__(self, data: Any = None, *, person: User, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.person = person
        self.placed: list[FieldError] = []
        # Whether what was refused can be opened as a script.
        self.script = False
        self._wrong: dict[str, list[str]] = {}

    def draft(self) -> Draft:
        """The draft as typed. Call after `is_valid`."""
        values = self.cleaned_data
        target = Target.objects.usable_by(self.person).select_related("pod").filter(slug=values["target"]).first()
        return Draft(
            pod=target.pod.slug if target else "",
            target=values["target"],
            language=values["language"] or (target.languages[0].value if target else ""),
            statement=values["statement"].replace("\r\n", "\n"),  # browsers send every line end so
            access=values["access"],
            reason=values["reason"].replace("\r\n", "\n"),
            ticket=values["ticket"],
            expects=read_rows(values["expects"], "expects"),
            parameters=(*parse_parameters(values["parameters"]), *(row.typed() for row in rows_of(values["named"]))),
        )

    def unsent(self, *, instead: bool = False) -> Unsent:
        """What is typed, as a draft: whatever it is."""
        typed = {name: str(self[name].value() or "").replace("\r\n", "\n") for name in self.fields}
        target, language, kept, seen = (typed.pop(name) for name in ("target", "language", "kept", "seen"))
        return Unsent(target, language, typed, known_id(kept), seen, instead)

    def rows(self) -> list[Row]:
        """One for each parameter as typed and each that is missing, with what is wrong with it; a free one last."""
        typed = rows_of(str(self["named"].value() or ""))
        names = {row.typed().name for row in typed}
        rows = [replace(row, errors=tuple(self._wrong.get(row.typed().name, ()))) for row in typed]
        missing = [Row(name, errors=tuple(texts)) for name, texts in self._wrong.items() if name not in names]
        return [*rows, *missing, Row()]

    def want(self, names: Iterable[str]) -> None:
        """Have a row for each of these."""
        for name in names:
            self._wrong.setdefault(name, [])

    def take_errors(self, error: BadInput) -> None:
        """Show what a service refused at the fields it named; a pod is chosen by its target."""
        of_statement = error.fields.get("statement", ())
        self.placed = [problem for problem in of_statement if problem.line]
        self.script = any(problem.script for problem in of_statement)
        for name, problems in error.fields.items():
            if name.startswith(field_of("")):
                self._take(name.removeprefix(field_of("")), problems)
                continue
            field = {"pod": "target"}.get(name, name)
            self.add_error(field if field in self.fields else None, [_worded(problem) for problem in problems])

    def _take(self, name: str, problems: Iterable[FieldError]) -> None:
        self._wrong[name] = [problem.message for problem in problems]
        self.add_error("named", [ValidationError(f"{name}: {text}") for text in self._wrong[name]])


def known_id(text: object) -> UUID:
    """What an address or a field names; nothing's id where it names none."""
    try:
        return UUID(str(text))
    except ValueError:
        return UUID(int=0)


def left_as(draft: KeptDraft) -> dict[str, Any]:
    """What the form starts with when it goes on with a draft."""
    own = {"target": draft.target.slug, "language": draft.language, "kept": draft.public_id, "seen": draft.seen}
    return {**draft.content, **own}


def read_rows(text: str, field: str) -> int | None:
    """A number of rows as people type it (`1,850`); None for nothing. Raises BadInput for `field`."""
    digits = text.replace(",", "").replace("\u202f", "").replace(" ", "").replace("_", "")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= ROWS_DIGITS):
        raise BadInput({field: [FieldError("Write a whole number of rows.", "invalid")]})
    return int(digits)


def parse_parameters(text: str) -> tuple[Placed, ...]:
    """One parameter a line, as JSON where it is JSON and as text otherwise; blank lines do not count.

    A number that would lose digits as a double stays text: the database reads every digit of it.
    """
    return tuple(_parameter(line.strip()) for line in text.splitlines() if line.strip())


def parameter_lines(parameters: Iterable[Placed]) -> str:
    """The opposite of `parse_parameters`."""
    return "\n".join(json.dumps(parameter, ensure_ascii=False) for parameter in parameters)


def revision_of(query: QueryRequest) -> dict[str, Any]:
    """What the form starts with when it revises `query`."""
    values = query.values()
    named = [one for one in values if isinstance(one, NamedParameter)]
    placed = [one for one in values if not isinstance(one, NamedParameter)]
    return {
        "target": query.target.slug,
        "language": query.language,
        "access": query.access,
        "statement": query.statement,
        "reason": query.reason,
        "ticket": query.ticket,
        "expects": "" if query.expects is None else query.expects,
        "parameters": parameter_lines(placed),
        "named": written([row_of(one) for one in named]),
        "revises": query.public_id,
    }


def again_of(query: QueryRequest) -> dict[str, Any]:
    """What the form starts with when somebody asks for the same again, as a request of its own."""
    return {**revision_of(query), "revises": ""}


def _parameter(line: str) -> Placed:
    try:
        value = json.loads(line, parse_float=_exact_float, parse_constant=str)
    except (ValueError, RecursionError):
        return line
    return value if isinstance(value, str | int | float | bool) or value is None else line


def _exact_float(digits: str) -> float | str:
    value = float(digits)
    return value if repr(value) == digits else digits


def _worded(problem: FieldError) -> ValidationError:
    where = f"Line {problem.line}" if problem.line else ""
    if where and problem.column:
        where += f", column {problem.column}"
    # No `params`: a message with a percent sign is not a template.
    return ValidationError(f"{where}: {problem.message}" if where else problem.message, code=problem.code)

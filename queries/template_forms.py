"""What people type on the pages of templates, turned into what the services take; the services judge it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from accounts.models import User
from executors.base import NamedParameter
from executors.base.parameters import from_json
from pods.models import Target
from queries.forms import read_rows
from queries.models import QueryRequest, Template, TemplateVersion
from queries.parameter_rows import VALUE, ParameterRows, Row, row_of, rows_of, type_of, written
from queries.services import Asked, Declared, TemplateDraft, Terms, field_of
from queries.services.parameters import Errors
from web.errors import BadInput, FieldError

EVERYONE, THESE = "everyone", "these"
DIGITS = 9
# Rows for names that nobody wrote yet, where no script adds them.
FREE_ROWS = 3


class ServiceForm(forms.Form):
    """Fields that take anything: what is wrong with them is said by a service, and stands at the field it names."""

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.wrong: dict[str, tuple[str, ...]] = {}

    def take_errors(self, error: BadInput) -> None:
        """Show what a service refused at the fields it named, those of parameters at their rows."""
        for name, problems in error.fields.items():
            texts = tuple(f"Line {one.line}: {one.message}" if one.line else one.message for one in problems)
            row = name.removeprefix(field_of("")) if name.startswith(field_of("")) else ""
            if row:
                self.wrong[row] = texts
            field = "named" if row or name == "parameters" else name
            shown = [f"{row}: {text}" if row else text for text in texts]
            self.add_error(field if field in self.fields else None, [ValidationError(text) for text in shown])


class TemplateForm(ServiceForm):
    """A template as typed; its pod is that of the first target."""

    name = forms.CharField(required=False)
    description = forms.CharField(required=False)
    language = forms.CharField(required=False)
    access = forms.CharField(required=False)
    statement = forms.CharField(required=False, strip=False)
    targets = forms.CharField(required=False)
    named = forms.CharField(required=False, strip=False, widget=ParameterRows, label="Parameters")
    digest = forms.CharField(required=False)

    def chosen(self) -> list[str]:
        """The slugs of the targets that are ticked."""
        if isinstance(self.data, QueryDict) and self.is_bound:
            return self.data.getlist("targets")
        found: list[str] = self.initial.get("targets", [])
        return found

    def draft(self, person: User) -> TemplateDraft:
        """What the services take. Call after `is_valid`."""
        sent, slugs = self.cleaned_data, tuple(self.chosen())
        usable = Target.objects.usable_by(person).select_related("pod")
        first = usable.filter(slug=slugs[0].replace("\0", "")).first() if slugs else None
        return TemplateDraft(
            pod=first.pod.slug if first else "",
            name=sent["name"],
            description=sent["description"].replace("\r\n", "\n"),
            language=sent["language"],
            access=sent["access"],
            statement=sent["statement"].replace("\r\n", "\n"),
            targets=slugs,
            parameters=tuple(map(_declared, rows_of(sent["named"]))),
        )

    def rows(self) -> list[Row]:
        """A row for each parameter as typed and each that is missing, and some free ones."""
        typed = rows_of(str(self["named"].value() or ""))
        names = {row.typed().name for row in typed}
        rows = [replace(row, errors=self.wrong.get(row.typed().name, ())) for row in typed]
        missing = [Row(name, errors=texts) for name, texts in self.wrong.items() if name not in names]
        return [*rows, *missing, *[Row()] * FREE_ROWS]


class AskForm(ServiceForm):
    """Values for a template."""

    digest = forms.CharField(required=False)
    target = forms.CharField(required=False)
    reason = forms.CharField(required=False)
    ticket = forms.CharField(required=False)
    expects = forms.CharField(required=False)
    named = forms.CharField(required=False, strip=False, widget=ParameterRows, label="Values")

    def __init__(self, data: Any = None, *, version: TemplateVersion, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.version = version

    def asked(self) -> Asked:
        """What the services take. Call after `is_valid`. Raises BadInput."""
        sent = self.cleaned_data
        return Asked(
            digest=sent["digest"],
            target=sent["target"],
            values=tuple(row.typed() for row in self.rows() if row.name in self._sent()),
            reason=sent["reason"].replace("\r\n", "\n"),
            ticket=sent["ticket"],
            expects=read_rows(sent["expects"], "expects"),
        )

    def rows(self) -> list[Row]:
        """A row for each parameter of the template, with what was typed for it, or its usual value."""
        sent = self._sent()
        return [self._row(row, sent.get(row.name)) for row in value_rows(self.version)]

    def _row(self, usual: Row, typed: Row | None) -> Row:
        shown = usual if typed is None else replace(usual, value=typed.value, given=typed.given)
        return replace(shown, errors=self.wrong.get(usual.name, ()))

    def _sent(self) -> Mapping[str, Row]:
        return {row.name: row for row in rows_of(str(self["named"].value() or ""))}


class GrantForm(ServiceForm):
    """The terms of an approval in advance."""

    digest = forms.CharField(required=False)
    target = forms.CharField(required=False)
    until = forms.CharField(required=False, label="Last day")
    runs_a_day = forms.CharField(required=False, label="Runs a day")
    runs_a_person = forms.CharField(required=False, label="Runs a day for each person")
    whom = forms.CharField(required=False, label="For whom")
    people = forms.CharField(required=False)
    comment = forms.CharField(required=False)

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        # It stands on one page with the form that asks, which has fields of the same names.
        self.auto_id = "id_grant_%s"

    def named(self) -> list[str]:
        """The user names that are ticked."""
        return self.data.getlist("people") if isinstance(self.data, QueryDict) else []

    def terms(self) -> Terms:
        """What the services take. Call after `is_valid`. Raises BadInput with every field that cannot be read."""
        sent, errors = self.cleaned_data, Errors()
        terms = Terms(
            target=sent["target"],
            until=_day(sent["until"], errors),
            runs_a_day=_number(sent["runs_a_day"], "runs_a_day", errors),
            runs_a_person=_number(sent["runs_a_person"], "runs_a_person", errors),
            people=_people(sent["whom"], self.named(), errors),
            comment=sent["comment"].replace("\r\n", "\n"),
        )
        if errors:
            raise BadInput(errors)
        return terms


def kept_of(query: QueryRequest) -> dict[str, Any]:
    """What the form starts with when a request is kept as a template: its values become the usual ones."""
    named = [one for one in query.values() if isinstance(one, NamedParameter)]
    return {
        "name": query.title[:80],
        "language": query.language,
        "access": query.access,
        "statement": query.statement,
        "targets": [query.target.slug],
        "named": written([row_of(one) for one in named]),
    }


def changed_from(template: Template) -> dict[str, Any]:
    """What the form starts with when a template is changed."""
    version = template.now
    return {
        "name": template.name,
        "description": version.description,
        "language": version.language,
        "access": version.access,
        "statement": version.statement,
        "targets": list(version.targets.values_list("slug", flat=True)),
        "named": written(value_rows(version)),
        "digest": version.digest,
    }


def value_rows(version: TemplateVersion) -> list[Row]:
    """A row for each parameter of a version, with its usual value."""
    return [_row(one) for one in version.parameters]


def _row(stored: Mapping[str, Any]) -> Row:
    if "usual" not in stored:
        return Row(stored["name"], type_of(stored["type"], stored.get("of", "")))
    parameter = from_json({**{name: stored[name] for name in stored if name != "usual"}, "value": stored["usual"]})
    return row_of(parameter) if isinstance(parameter, NamedParameter) else Row(stored["name"])


def _declared(row: Row) -> Declared:
    """A parameter as typed: without a usual value where none was written."""
    has_usual = row.given != VALUE or bool(row.value.strip())
    return Declared(row.typed(), has_usual)


def _people(whom: str, ticked: Sequence[str], errors: Errors) -> tuple[str, ...] | None:
    """The user names, None for everybody; which of both is said, never supposed."""
    if whom not in {EVERYONE, THESE}:
        errors["whom"] = [FieldError("Choose who may use it.", "required")]
    return tuple(ticked) if whom == THESE else None


def _day(text: str, errors: Errors) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        wrong = FieldError("Write a day as 2026-01-31.", "invalid")
        errors["until"] = [wrong if text.strip() else FieldError("Choose the last day.", "required")]
    return dt.date.min


def _number(text: str, field: str, errors: Errors) -> int:
    digits = text.strip().replace(",", "")
    if digits.isascii() and digits.isdigit() and len(digits) <= DIGITS:
        return int(digits)
    errors[field] = [FieldError("Write a whole number.", "invalid")]
    return 0


def names_of(people: Sequence[User]) -> list[tuple[str, User]]:
    """The people of a choice, each with what is sent for them."""
    return [(one.username, one) for one in people]

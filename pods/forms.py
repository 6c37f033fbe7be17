"""What people type about where they are."""

from typing import Any

from django import forms

from accounts.models import User
from accounts.signin import NAME_LENGTH
from web.errors import BadInput

DAYS = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
DAY = {"required": "Give a day.", "invalid": "Give a day, as 2026-01-31."}


class AbsenceForm(forms.Form):
    """The days of an absence, and who stands in."""

    first_day = forms.DateField(label="First day", error_messages=DAY, widget=DAYS)
    last_day = forms.DateField(
        label="Last day",
        error_messages=DAY,
        widget=DAYS,
        help_text="Back on the day after.",
    )
    stand_in = forms.CharField(
        label="Who stands in", error_messages={"required": "Name who stands in."}, max_length=NAME_LENGTH
    )

    def __init__(self, *args: Any, candidates: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Choose a manager"), *((person.username, person.label) for person in candidates)]
        self.fields["stand_in"].widget = forms.Select(choices=choices)

    def refuse(self, error: BadInput) -> None:
        """Say at each field what is wrong with it."""
        for name, problems in error.fields.items():
            for problem in problems:
                self.add_error(name, problem.message)

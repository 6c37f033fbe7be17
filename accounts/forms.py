"""What people type about themselves."""

from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms

from accounts.models import User
from web.mail import mail_is_on

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[User]
else:
    ModelForm = forms.ModelForm


class SignInForm(forms.Form):
    """User name and password; both are checked by `signin.check_credentials`."""

    username = forms.CharField(max_length=150)
    password = forms.CharField(max_length=4096, strip=False)


@cache
def zones() -> list[tuple[str, str]]:
    """Time zones to choose from: UTC first, then those of a place."""
    places = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in places)]


class ProfileForm(ModelForm):
    """What a person may change about themselves; the role is not part of it."""

    time_zone = forms.ChoiceField(choices=zones, help_text="UTC is said on hover.")

    class Meta:
        model = User
        fields = (
            "first_name",
            "last_name",
            "email",
            "notify_by_email",
            "daily_digest",
            "no_completion",
            "theme",
            "time_zone",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A page that was opened before there were zones sends none: it changes none.
        if self.is_bound and "time_zone" not in self.data:
            del self.fields["time_zone"]
        if not mail_is_on():
            del self.fields["daily_digest"]

    def clean(self) -> dict[str, object]:
        """An e-mail needs somewhere to go."""
        values: dict[str, object] = super().clean() or {}
        if (values.get("notify_by_email") or values.get("daily_digest")) and not values.get("email"):
            self.add_error("email", "Give an address to be e-mailed at.")
        return values

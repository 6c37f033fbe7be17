"""What people type about themselves."""

from typing import TYPE_CHECKING

from django import forms

from accounts.models import User

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[User]
else:
    ModelForm = forms.ModelForm


class SignInForm(forms.Form):
    """User name and password; both are checked by `signin.check_credentials`."""

    username = forms.CharField(max_length=150)
    password = forms.CharField(max_length=4096, strip=False)


class ProfileForm(ModelForm):
    """What a person may change about themselves; the role is not part of it."""

    class Meta:
        model = User
        fields = ("first_name", "last_name", "email", "notify_by_email", "theme")

    def clean(self) -> dict[str, object]:
        """An e-mail needs somewhere to go."""
        values: dict[str, object] = super().clean() or {}
        if values.get("notify_by_email") and not values.get("email"):
            self.add_error("email", "Give an address to be e-mailed at.")
        return values

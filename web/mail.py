"""Whether the portal can send e-mail at all."""

from django.conf import settings


def mail_is_on() -> bool:
    """Whether e-mail can be sent: a server is named, or the backend needs none."""
    return bool(settings.EMAIL_HOST) or not settings.EMAIL_BACKEND.endswith(".smtp.EmailBackend")

"""In which time zone a page shows times: that of the person, or UTC while they have switched to it."""

from typing import Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from accounts.models import UTC, User

# In the session: the switch is about how this browser looks at things, not about the person.
IN_UTC: Final = "times_in_utc"


def zone_shown(request: HttpRequest, person: User) -> ZoneInfo:
    """The zone of the pages that are answered to this request."""
    return ZoneInfo(UTC) if request.session.get(IN_UTC) else person.zone


def switch(request: HttpRequest, *, utc: bool) -> None:
    """Show UTC, or one's own zone, from now on in this session."""
    if utc:
        request.session[IN_UTC] = True
    else:
        request.session.pop(IN_UTC, None)

"""What fills the form of a new request besides typing: a file, and the script that does what a statement does."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from accounts.people import person
from executors.base import Language
from executors.text import MAX_BYTES
from queries import services
from queries.forms import RequestForm
from web.errors import PortalError
from web.ratelimit import limit


def from_file(request: HttpRequest, typed: RequestForm) -> RequestForm:
    """The form with the text of the file that was chosen, all else as typed; or with what is wrong with the file."""
    given = request.FILES.get("file")
    if given is None:
        typed.add_error("statement", "Choose a file first.")
    elif (given.size or 0) > MAX_BYTES:
        typed.add_error("statement", f"{given.name} is larger than 2 MB, the most a statement may have.")
    else:
        try:
            return _with(request, typed, statement=given.read().decode())
        except UnicodeDecodeError:
            typed.add_error("statement", f"{given.name} is not UTF-8 text.")
    return typed


def as_script(request: HttpRequest, typed: RequestForm) -> RequestForm:
    """The form with the statement as the script that does the same, all else as typed. Nothing is sent.

    A draft of the statement stays as it was left: the script is another one.
    """
    try:
        limit(request, "check")
        script = services.as_script(actor=person(request), draft=typed.draft()) if typed.is_valid() else ""
    except PortalError as error:
        messages.error(request, error.message)
        return _with(request, typed)
    if not script:
        messages.error(request, "This cannot be told as a script. Nothing was changed.")
        return _with(request, typed)
    messages.info(request, "This is the script that does the same. Nothing was sent yet.")
    return _with(request, typed, statement=script, language=Language.SCRIPT.value, kept="", seen="")


def _with(request: HttpRequest, typed: RequestForm, **values: str) -> RequestForm:
    initial: dict[str, Any] = {name: typed[name].value() for name in typed.fields}
    return RequestForm(person=person(request), initial={**initial, **values})

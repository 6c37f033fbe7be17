"""Reading the filters of an address strictly: one nobody knows, or one that no column could hold, is an error."""

from collections.abc import Sequence

from django.http import QueryDict

from web.errors import BadInput, FieldError

FILTER_LENGTH = 200
NAME_SHOWN = 100
NUL = FieldError("It holds a NUL byte; remove it.", "nul")
TOO_LONG = FieldError(f"At most {FILTER_LENGTH} characters.", "too_long")


def read_filters(sent: QueryDict, names: Sequence[str]) -> dict[str, str]:
    """The value of each of `names`, "" where it was not sent; of one sent twice the last. Raises BadInput."""
    unknown = FieldError(f"There is no such filter; there are {', '.join(names)}.", "unknown_field")
    errors = {name[:NAME_SHOWN]: [unknown] for name in sent if name not in names}
    for name in names:
        problem = _problem(sent.getlist(name))
        if problem is not None:
            errors[name] = [problem]
    if errors:
        raise BadInput(errors)
    return {name: sent.get(name, "") for name in names}


def _problem(values: Sequence[str]) -> FieldError | None:
    if any("\0" in value for value in values):
        return NUL
    return TOO_LONG if any(len(value) > FILTER_LENGTH for value in values) else None

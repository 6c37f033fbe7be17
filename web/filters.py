"""Reading the filters of an address strictly: one nobody knows, or one that no column could hold, is an error."""

from collections.abc import Sequence

from django.http import QueryDict

from web.errors import BadInput, FieldError
from web.texts import text_problem

FILTER_LENGTH = 200
NAME_SHOWN = 100


def read_filters(sent: QueryDict, names: Sequence[str]) -> dict[str, str]:
    """The value of each of `names`, "" where it was not sent; of one sent twice the last. Raises BadInput."""
    unknown = FieldError(f"There is no such filter; there are {', '.join(names)}.", "unknown_field")
    errors = {name[:NAME_SHOWN]: [unknown] for name in sent if name not in names}
    for name in names:
        problems = [text_problem(value, most=FILTER_LENGTH) for value in sent.getlist(name)]
        if any(problems):
            errors[name] = [problem for problem in problems if problem is not None]
    if errors:
        raise BadInput(errors)
    return {name: sent.get(name, "") for name in names}

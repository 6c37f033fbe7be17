"""Which requests a list shows: one set of filters, for the pages and the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from django.http import QueryDict

from executors.base import Access
from pods.models import Environment
from queries.lifecycle import Status
from queries.querysets import QueryRequestQuerySet
from web.errors import BadInput, FieldError
from web.filters import FILTER_LENGTH

# The filters that take a word of a list, and the list.
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "status": tuple(Status),
    "environment": tuple(Environment.values),
    "access": tuple(Access),
}
_PLURALS = {"status": "statuses", "environment": "environments", "access": "accesses"}
_COLUMNS = {
    "status": "status__in",
    "pod": "pod__slug",
    "author": "author__username",
    "target": "target__slug",
    "environment": "target__environment",
    "access": "access",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is asked for; "" filters nothing. Of statuses there may be several."""

    status: tuple[str, ...] = ()
    pod: str = ""
    author: str = ""
    target: str = ""
    environment: str = ""
    access: str = ""
    q: str = ""

    @classmethod
    def sent(cls, sent: QueryDict) -> Filters:
        """As an address has them. A word that is in no list raises BadInput, which names every such filter."""
        found = cls._read(sent)
        wrong = {name for name, words in CHOICES.items() if not set(_values(found, name)) <= set(words)}
        if wrong:
            raise BadInput({name: [_no_such(name)] for name in CHOICES if name in wrong})
        return found

    @classmethod
    def known(cls, sent: QueryDict) -> Filters:
        """As an address has them, whoever typed it: what makes no sense filters nothing."""
        clean = QueryDict(mutable=True)
        for name in NAMES:
            values = [value.replace("\0", "")[:FILTER_LENGTH].strip() for value in sent.getlist(name)]
            clean.setlist(name, [value for value in values if name not in CHOICES or value in CHOICES[name]])
        return cls._read(clean)

    @classmethod
    def _read(cls, sent: QueryDict) -> Filters:
        statuses = tuple(status for status in sent.getlist("status") if status)
        return cls(statuses, **{name: sent.get(name) or "" for name in NAMES if name != "status"})

    @property
    def any(self) -> bool:
        """Whether anything is filtered."""
        return any(getattr(self, name) for name in NAMES)

    @property
    def narrows(self) -> bool:
        """Whether anything beside the words looked for is filtered."""
        return any(getattr(self, name) for name in NAMES if name != "q")

    def apply(self, queries: QueryRequestQuerySet) -> QueryRequestQuerySet:
        """The requests that pass."""
        found = queries.filter(**{column: value for name, column in _COLUMNS.items() if (value := getattr(self, name))})
        return found.search_for(self.q) if self.q else found


NAMES: Final = tuple(field.name for field in fields(Filters))


def _values(filters: Filters, name: str) -> tuple[str, ...]:
    value = getattr(filters, name)
    return value if isinstance(value, tuple) else tuple(filter(None, [value]))


def _no_such(name: str) -> FieldError:
    return FieldError(f"The {_PLURALS[name]} are {', '.join(CHOICES[name])}.", "invalid_choice")

"""Which requests a list shows: one set of filters, for the pages and the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from django.db import models
from django.http import QueryDict

from accounts.models import User
from executors.base import Access
from pods.models import Environment, Pod, Target
from queries.lifecycle import Status
from queries.querysets import QueryRequestQuerySet, Rare, Written
from web.errors import BadInput, FieldError
from web.filters import FILTER_LENGTH

# The filters that take a word of a list, and the list.
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "status": tuple(Status),
    "environment": tuple(Environment.values),
    "access": tuple(Access),
}
_PLURALS = {"status": "statuses", "environment": "environments", "access": "accesses"}


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
        """The requests that pass. What is named is looked up first: which index leads to it depends on what it is."""
        found = queries
        if self.status:
            found = found.filter(status__in=[Rare(Status(status)) for status in self.status])
        if self.access:
            found = found.filter(access=Written(self.access))
        for column, named in self._named():
            found = found.with_one_of(column, list(named.order_by("pk").values_list("pk", flat=True)))
        return found.search_for(self.q) if self.q else found

    def _named(self) -> Iterator[tuple[str, models.QuerySet[Any]]]:
        """The columns of a request that are filtered, and the rows that they may refer to."""
        if self.author:
            yield "author", User.objects.filter(username=self.author)
        if self.pod:
            yield "pod", Pod.objects.filter(slug=self.pod)
        target = {"slug": self.target, "environment": self.environment}
        if any(target.values()):
            yield "target", Target.objects.filter(**{name: value for name, value in target.items() if value})


NAMES: Final = tuple(field.name for field in fields(Filters))


def _values(filters: Filters, name: str) -> tuple[str, ...]:
    value = getattr(filters, name)
    return value if isinstance(value, tuple) else tuple(filter(None, [value]))


def _no_such(name: str) -> FieldError:
    return FieldError(f"The {_PLURALS[name]} are {', '.join(CHOICES[name])}.", "invalid_choice")

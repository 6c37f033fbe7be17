"""Sample templates of the demo: one that a manager approved in advance, and one whose requests are each decided on."""

from dataclasses import dataclass

from executors.base import Access, Language
from queries.services import Declared, TemplateDraft, Typed


@dataclass(frozen=True, slots=True)
class Kept:
    """A template of the pod `operations`. `in_advance` is a manager's comment on approving it in advance for
    `flights`, "" where nobody did; `asked_for` the values of a request made from it at once, and why it was made."""

    name: str
    description: str
    statement: str
    parameters: tuple[Declared, ...]
    access: Access = Access.READ
    in_advance: str = ""
    asked_for: tuple[Typed, ...] = ()
    reason: str = ""

    def draft(self) -> TemplateDraft:
        """The template as its owner would keep it."""
        return TemplateDraft(
            pod="operations",
            name=self.name,
            language=Language.SQL,
            access=self.access,
            statement=self.statement.strip() + "\n",
            targets=("flights",),
            description=self.description,
            parameters=self.parameters,
        )


TEMPLATES = (
    Kept(
        "Delays to an airport",
        "The flights of a day that reached an airport late, worst first. Nothing of passengers is in it.",
        """
SELECT time_hour, carrier, flight, origin, arr_delay
  FROM flights
 WHERE dest = :airport
   AND time_hour >= :day AND time_hour < :day + 1
   AND arr_delay > :minutes
 ORDER BY arr_delay DESC
 LIMIT 100
""",
        (
            Declared(Typed("airport", "text", "SEA"), has_usual=True),
            Declared(Typed("day", "date", "2013-06-24"), has_usual=True),
            Declared(Typed("minutes", "integer", "30"), has_usual=True),
        ),
        in_advance="By an indexed day, at most a hundred rows, and nobody's data.",
        asked_for=(
            Typed("airport", "text", "SEA"),
            Typed("day", "date", "2013-06-24"),
            Typed("minutes", "integer", "30"),
        ),
        reason="The desk in Seattle asks which flights came late on 24 June.",
    ),
    Kept(
        "Cruising speed of a plane",
        "Sets what the import left empty. Take the speed from the registry, and name the entry as the reason.",
        "UPDATE planes SET speed = :speed WHERE tailnum = :tailnum RETURNING tailnum, model, speed",
        (Declared(Typed("speed", "integer")), Declared(Typed("tailnum", "text"))),
        Access.WRITE,
    ),
)

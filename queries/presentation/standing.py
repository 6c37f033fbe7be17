"""For whom a reader of the queue stands in, request by request."""

from collections.abc import Mapping, Sequence

from accounts.models import Absence, User
from pods.models import Pod
from queries.models import Decision, QueryRequest


def standing_in(reader: User, queries: Sequence[QueryRequest]) -> Mapping[int, list[User]]:
    """By a request's key: who would decide on it, has not, is away, and named the reader as their stand-in."""
    absences = Absence.objects.holding().filter(stand_in=reader).select_related("person").order_by("person__username")
    away = [absence.person for absence in absences]
    if not away:
        return {}
    pods = {person.pk: set(Pod.objects.reviewed_by(person).values_list("pk", flat=True)) for person in away}
    decided = set(Decision.objects.filter(query__in=queries, reviewer__in=away).values_list("query_id", "reviewer_id"))
    return {query.pk: [one for one in away if _waits(query, one, pods[one.pk], decided)] for query in queries}


def _waits(query: QueryRequest, away: User, pods: set[int], decided: set[tuple[int, int]]) -> bool:
    return query.pod_id in pods and query.author_id != away.pk and (query.pk, away.pk) not in decided

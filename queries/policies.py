"""Who may do what with a request: plain functions over (actor, verb, query), asked by pages, API and services alike.

A reason not to is a sentence for people; "" means yes. Whether the lifecycle allows it now is another question
(`queries.lifecycle`): `allowed` asks both.
"""

from collections.abc import Callable

from django.utils import timezone

from accounts.models import Actor, User
from pods.models import Pod
from queries.lifecycle import Status, Verb, possible
from queries.models import Code, Execution, QueryRequest

CANCEL = "cancel"
REVISE = "revise"
DEACTIVATED = "Your account is deactivated."
QUOTING = "What the database said may quote data; it is for those who may see the result."
SAFE_DETAIL = frozenset({"sqlstate", "line", "column", "position", "statement_line", "statement_column"})


def objection(actor: Actor, verb: Verb, query: QueryRequest) -> str:
    """Why `actor` may not do `verb` to `query`, "" when they may."""
    rule = RULES[verb]
    if rule is None:
        return "" if actor.is_system else "Only the portal itself does this."
    if actor.is_system or not isinstance(actor, User):
        return "Only a person does this."
    if not actor.is_active:
        return DEACTIVATED
    return rule(actor, query)


def cannot_decide(actor: User, query: QueryRequest) -> str:
    """Why this person never decides on this request."""
    if query.author_id == actor.pk:
        return "You asked for this yourself; somebody else must decide."
    if not query.pod.has_manager(actor):
        return f"Only managers of {query.pod.name} decide on this."
    if not query.pod.active:
        return f"The pod {query.pod.name} is inactive."
    return ""


def cannot_withdraw(actor: User, query: QueryRequest) -> str:
    """Only the author withdraws."""
    return "" if query.author_id == actor.pk else "Only its author can withdraw a request."


def cannot_cancel(actor: User, query: QueryRequest) -> str:
    """The author and the pod's managers stop a run."""
    if not actor.is_active:
        return DEACTIVATED
    if query.author_id == actor.pk or query.pod.has_manager(actor):
        return ""
    return f"Only its author or a manager of {query.pod.name} can stop this."


def cannot_see_result(actor: User, query: QueryRequest) -> str:
    """Results are for the author and the pod's managers, while they are in the pod."""
    if not actor.is_active:
        return DEACTIVATED
    if query.author_id == actor.pk and query.pod.has_developer(actor):
        return ""
    if query.pod.has_manager(actor):
        return ""
    return f"The result is for the author and the managers of {query.pod.name}."


def failure_words(actor: User, query: QueryRequest, execution: Execution) -> tuple[str, dict[str, str]]:
    """The message and detail of a failed run as `actor` may read them: the server's words may quote the data itself."""
    message, detail = execution.failure_message, dict(execution.failure_detail)
    if not message or not cannot_see_result(actor, query):
        return message, detail
    safe = {key: value for key, value in detail.items() if key in SAFE_DETAIL}
    return (QUOTING if execution.failure_code in {Code.ERROR, Code.TOO_LARGE} else message), safe


def can_submit(actor: User, pod: Pod) -> bool:
    """Whether a person may ask for something in a pod's name."""
    return actor.is_active and pod.active and pod.has_developer(actor)


RULES: dict[Verb, Callable[[User, QueryRequest], str] | None] = {
    Verb.ENDORSE: cannot_decide,
    Verb.APPROVE: cannot_decide,
    Verb.REJECT: cannot_decide,
    Verb.WITHDRAW: cannot_withdraw,
    Verb.EXPIRE: None,
    Verb.CLAIM: None,
    Verb.COMPLETE: None,
    Verb.FAIL: None,
}


def allowed(actor: User, query: QueryRequest) -> list[str]:
    """What the actor can do with the request right now, as the words of the URLs."""
    verbs = [
        verb.value
        for verb in (Verb.APPROVE, Verb.REJECT, Verb.WITHDRAW)
        if possible(verb, query.state) and not objection(actor, verb, query)
    ]
    if already_decided(actor, query) or query.expires_at <= timezone.now():
        verbs = [verb for verb in verbs if verb == Verb.WITHDRAW]
    if query.state is Status.EXECUTING and not cannot_cancel(actor, query):
        verbs.append(CANCEL)
    if query.author_id == actor.pk and query.state is not Status.PENDING and can_submit(actor, query.pod):
        verbs.append(REVISE)
    return verbs


def already_decided(actor: User, query: QueryRequest) -> bool:
    """Whether the actor has had their say on this request."""
    return any(decision.reviewer_id == actor.pk for decision in query.decisions.all())

"""Who may do what with a request: plain functions over (actor, verb, query), asked by pages, API and services alike.

A reason not to is a sentence for people; "" means yes. Whether the lifecycle allows it now is another question
(`queries.lifecycle`): `allowed` asks both.
"""

from collections.abc import Callable

from django.utils import timezone

from accounts.models import Actor, User
from executors import undoing
from executors.base import EngineKind, Gap
from pods.models import Pod, Rehearsals
from queries.lifecycle import Status, Verb, possible
from queries.models import Code, Execution, QueryRequest, UndoParameters, UndoPiece
from web.errors import NotNow

CANCEL = "cancel"
REHEARSE = "rehearse"
REVISE = "revise"
UNDO = "undo"
DEACTIVATED = "Your account is deactivated."
QUOTING = "What the database said may quote data; it is for those who may see the result."
DELETED = "What was said was deleted after the retention time."
UNDOING = (Status.PENDING, Status.APPROVED, Status.EXECUTING, Status.EXECUTED)
# Why the rows of a table were not kept.
NOT_KEPT: dict[Gap, str] = {
    Gap.NO_KEY: "{table} has no primary key, so its rows cannot be found again",
    Gap.TIME: "the rows of {table} could not be read in the time there was",
    Gap.SIZE: "more of {table} changed than is kept",
    Gap.LOCKED: "the rows of {table} could not be read as they were",
    Gap.DENIED: "the login may not read all of {table}",
    Gap.UNCERTAIN: "it is not certain that every row of {table} it changed is known",
    Gap.NOT_TOLD: "what happened to the rows of {table} is not known",
}
SAFE_DETAIL = frozenset(
    "sqlstate line column position statement_line statement_column statement statements text repair".split()
)


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
    return "" if query.pod.has_manager(actor) else f"Only managers of {query.pod.name} decide on this."


def standstill(query: QueryRequest) -> NotNow | None:
    """Why nobody decides on this request now, whoever they are; None when somebody can."""
    if query.pod.active:
        return None
    return _stands(query, f"The pod {query.pod.name} is inactive: it decides on nothing.", "pod_inactive")


def obstacle(query: QueryRequest) -> NotNow | None:
    """Why this request can neither be approved nor run now; None when nothing is in the way.

    What its target says now holds, not what it said at submission: asked at the decision, and again at the claim.
    """
    target = query.target
    if not target.active:
        return _stands(query, f"The target {target.name} is switched off: nothing runs on it.", "target_inactive")
    if target.pod_id != query.pod_id:
        return _stands(query, f"The target {target.name} was moved to another pod.", "target_moved")
    if query.maintains and not target.allow_maintenance:
        return _stands(query, f"{target.name} takes no maintenance any more.", "no_maintenance")
    if query.current_digest() != query.digest:
        message = (
            "It would not run as it was asked for: its target was changed since, or what was stored of it was. "
            "Its author can revise it."
        )
        return _stands(query, message, "digest_differs")
    if query.undoes_id is not None and not UndoParameters.objects.filter(pk=query.pk).exists():
        return _stands(query, "The rows it would put back are no longer kept.", "rows_not_kept")
    return standstill(query)


def _stands(query: QueryRequest, message: str, code: str) -> NotNow:
    return NotNow(message, code=code, state=query.status)


def cannot_rehearse(actor: User, query: QueryRequest) -> str:
    """Why this person may not have the write rehearsed: it runs with the write login, before any approval."""
    if not actor.is_active:
        return DEACTIVATED
    if query.author_id == actor.pk:
        return "You asked for this yourself; somebody who may decide on it can rehearse it."
    if not query.pod.has_manager(actor):
        return f"Only managers of {query.pod.name} rehearse this."
    return ""


def cannot_see_rehearsal(actor: User, query: QueryRequest) -> str:
    """Reviewers see what was rehearsed; its author the counts, once it is decided and while they may see results."""
    if query.pod.has_manager(actor) and query.author_id != actor.pk:
        return ""
    if query.author_id == actor.pk and query.state is not Status.PENDING:
        return cannot_see_result(actor, query)
    return "What a rehearsal saw is for those who decide, and for the author once it is decided."


def cannot_be_rehearsed(query: QueryRequest) -> NotNow | None:
    """Why nobody can rehearse this now; None when somebody can."""
    if not query.writes:
        return _stands(query, f"{_never_counted(query)} there is nothing to rehearse.", "not_a_write")
    if query.target.rehearsals == Rehearsals.NEVER:
        return _stands(query, f"Nothing is rehearsed on {query.target.name}.", "no_rehearsals")
    if query.state is not Status.PENDING:
        return _stands(query, f"{query.number} no longer waits for a decision.", "not_now")
    return obstacle(query)


def _never_counted(query: QueryRequest) -> str:
    """Why nothing is known of rows that a request changes, which is not a write."""
    return "What maintenance changes is not counted;" if query.maintains else "A read changes nothing;"


def cannot_see_plan(actor: User, query: QueryRequest) -> str:
    """Why this person may not see how the target would run it: its numbers tell of data, and asking costs time."""
    if not actor.is_active:
        return DEACTIVATED
    if query.author_id == actor.pk or not query.pod.has_manager(actor):
        return "How the target would run it is for those who may decide on it."
    return ""


def cannot_be_planned(query: QueryRequest) -> NotNow | None:
    """Why nobody asks the target how it would run this; None when somebody can."""
    if query.maintains:
        return _stands(query, "Maintenance has no plan.", "no_plan")
    if query.state is not Status.PENDING:
        return _stands(query, f"{query.number} no longer waits for a decision.", "not_now")
    return obstacle(query)


def cannot_withdraw(actor: User, query: QueryRequest) -> str:
    """Only the author withdraws."""
    return "" if query.author_id == actor.pk else "Only its author can withdraw a request."


def cannot_comment(actor: User, query: QueryRequest) -> str:
    """Its author and those who may decide in its pod talk about a request, before and after it ended."""
    if not actor.is_active:
        return DEACTIVATED
    if query.author_id == actor.pk or query.pod.has_manager(actor):
        return ""
    return f"Only its author and managers of {query.pod.name} comment on this."


def cannot_close(actor: User, query: QueryRequest) -> str:
    """A manager of the pod closes what stayed unknown, after a look at the target; never their own."""
    if query.author_id == actor.pk:
        return "You asked for this yourself; somebody else must close it."
    return "" if query.pod.has_manager(actor) else f"Only managers of {query.pod.name} close this."


def can_be_closed(query: QueryRequest) -> bool:
    """Whether what became of it is open, or stayed unknown without anybody saying what they found."""
    if query.is_being_found_out:
        return True
    execution: Execution | None = getattr(query, "execution", None)
    unknown = query.state is Status.FAILED and query.code == Code.OUTCOME_UNKNOWN
    return unknown and execution is not None and execution.closed_at is None


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
    """The message and detail of a failed run as `actor` may read them: the server's words may quote the data itself.

    An undo that is refused names the rows by their keys.
    """
    said = execution.said
    message, detail = said.message, dict(said.detail)
    if execution.failure_code and execution.result_deleted_at:
        return DELETED, {"sqlstate": execution.sqlstate} if execution.sqlstate else {}
    if not message or not cannot_see_result(actor, query):
        return message, detail
    safe = {key: value for key, value in detail.items() if key in SAFE_DETAIL}
    quoting = {Code.ERROR, Code.TOO_LARGE} if query.undoes_id is None else {Code.ERROR, Code.TOO_LARGE, Code.REFUSED}
    return (QUOTING if execution.failure_code in quoting else message), safe


def cannot_see_parameters(actor: User, query: QueryRequest) -> str:
    """The parameters of an undo are rows of the target: they are for those who may see results."""
    return "" if query.undoes_id is None else cannot_see_result(actor, query)


def cannot_undo(actor: User, query: QueryRequest) -> str:
    """An undo is asked for as any write is; who asks sees the rows in it."""
    if not actor.is_active:
        return DEACTIVATED
    if not can_submit(actor, query.pod):
        return f"Only those who may ask for something in {query.pod.name} can take this back."
    return cannot_see_result(actor, query)


def cannot_be_undone(query: QueryRequest) -> NotNow | None:
    """Why nobody can take this write back now; None when somebody can."""
    if not query.writes:
        return _stands(query, f"{_never_counted(query)} there is nothing to take back.", "not_a_write")
    if query.state is not Status.EXECUTED:
        return _stands(query, f"{query.number} has changed nothing that could be taken back.", "not_now")
    never = undoing.obstacle(EngineKind(query.target.engine))
    if never:
        return _stands(query, never, "not_reversible")
    undo = query.undos.filter(status__in=UNDOING).order_by("-pk").first()
    if undo is not None:
        ran = "took" if undo.state is Status.EXECUTED else "takes"
        return _stands(query, f"{undo.number} {ran} it back already.", "undone_already")
    if UndoPiece.objects.filter(execution=query.pk).exists():
        return None
    return _stands(query, _nothing_kept(query.execution), "not_reversible")


def _nothing_kept(execution: Execution) -> str:
    """Why there is no undo of a write that ran."""
    effect = execution.effect
    if effect is None:
        return "It cannot be taken back: what it changed was not seen."
    schema = "it changed the schema" if effect["schema"] else ""
    whole = "its server has no transactions" if effect.get("lasts") else schema
    if whole:
        return f"It cannot be taken back: {whole}."
    gaps = [table for table in effect["tables"] if table["gap"]]
    # Rows without a key are kept, too; what ran before they were says that it is not reversible.
    for table in sorted(gaps, key=lambda table: table["gap"] == Gap.NO_KEY):
        if table["gap"] != Gap.NO_KEY or (effect["exact"] and not effect["reversible"]):
            return f"It cannot be taken back: {NOT_KEPT[Gap(table['gap'])].format(table=table['table'])}."
    if not (effect["exact"] and effect["counted"]):
        return "It cannot be taken back: it is not certain that every row it changed is known."
    if not effect["total"]:
        return "It changed no row; there is nothing to take back."
    return "It cannot be taken back: the rows as they were are not kept, or not any more."


def cannot_keep_views(actor: User, pod: Pod) -> str:
    """The views of a pod are kept and ordered by its managers."""
    return "" if pod.has_manager(actor) else f"Only managers of {pod.name} keep its views."


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
    Verb.CLOSE: cannot_close,
}


def allowed(actor: User, query: QueryRequest) -> list[str]:
    """What the actor can do with the request right now, as the words of the URLs."""
    verbs = [
        verb.value
        for verb in (Verb.APPROVE, Verb.REJECT, Verb.WITHDRAW)
        if possible(verb, query.state) and not objection(actor, verb, query)
    ]
    if already_decided(actor, query) or query.expires_at <= timezone.now() or standstill(query):
        verbs = [verb for verb in verbs if verb == Verb.WITHDRAW]
    if Verb.APPROVE in verbs and obstacle(query):
        verbs.remove(Verb.APPROVE)
    if not (cannot_be_rehearsed(query) or cannot_rehearse(actor, query)):
        verbs.append(REHEARSE)
    if query.state is Status.EXECUTING and not query.is_being_found_out and not cannot_cancel(actor, query):
        verbs.append(CANCEL)
    if can_be_closed(query) and not objection(actor, Verb.CLOSE, query):
        verbs.append(Verb.CLOSE.value)
    if query.author_id == actor.pk and query.undoes_id is None and can_submit(actor, query.pod):
        verbs.append(REVISE)
    if _may_be_kept(query) and not (cannot_undo(actor, query) or cannot_be_undone(query)):
        verbs.append(UNDO)
    return verbs


def _may_be_kept(query: QueryRequest) -> bool:
    """Whether asking for its kept rows is worth a question: not for what ran and says that it has none."""
    execution = getattr(query, "execution", None) if query.writes and query.state is Status.EXECUTED else None
    return execution is not None and (execution.effect is None or execution.effect["reversible"])


def already_decided(actor: User, query: QueryRequest) -> bool:
    """Whether the actor has had their say on this request."""
    return any(decision.reviewer_id == actor.pk for decision in query.decisions.all())

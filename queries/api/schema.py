"""The shapes that go out, for the OpenAPI schema."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from executors.base import Access, Gap, Language, SchemaVerb, Severity, Verified
from queries.api.bodies import DIGEST, TEXTS, VALUE, WORD, ParameterField, parameter_schema
from queries.api.template_schema import TemplateUseShape
from queries.bounds import Stale
from queries.lifecycle import Status
from queries.models import Code, Schema, Verdict
from web.paging import CURSOR


class FindingShape(serializers.Serializer[object]):
    """Something noticed about a statement; line and column count from 1."""

    code = serializers.RegexField(WORD)
    severity = serializers.ChoiceField(choices=[s.value for s in Severity])
    message = serializers.CharField()
    line = serializers.IntegerField(allow_null=True, min_value=1)
    column = serializers.IntegerField(allow_null=True, min_value=1)
    hint = serializers.CharField(allow_blank=True)
    parameter = serializers.CharField(required=False, help_text="The name of the parameter it speaks of.")
    script = serializers.CharField(required=False, help_text="What does the same in the language script.")


@extend_schema_field(parameter_schema(TEXTS, VALUE))
class StoredParameter(ParameterField):
    """A parameter as it is bound."""


class VerifiedField(serializers.ListField):
    """What was looked for all through the statement and found in order; what is not listed is not claimed."""

    child = serializers.ChoiceField(choices=[v.value for v in Verified])


class SimilarShape(serializers.Serializer[object]):
    """An earlier request that I may see, for the same target, whose statement differs in values alone.

    `rows` are those it returned or, of a write, changed; null when it did not run or that is not known.
    """

    id = serializers.UUIDField()
    number = serializers.CharField()
    title = serializers.CharField()
    author = serializers.CharField()
    outcome = serializers.CharField(help_text="In words, such as Finished.")
    status = serializers.ChoiceField(choices=[s.value for s in Status])
    rows = serializers.IntegerField(allow_null=True, min_value=0)
    duration_ms = serializers.FloatField(allow_null=True)
    submitted_at = serializers.DateTimeField()


class CheckedShape(serializers.Serializer[object]):
    """What reading the statement told. `access` is what it needs."""

    valid = serializers.BooleanField()
    access = serializers.ChoiceField(choices=[a.value for a in Access])
    kinds = serializers.ListField(child=serializers.CharField())
    tables = serializers.ListField(child=serializers.CharField())
    findings = FindingShape(many=True)
    verified = VerifiedField()
    similar = SimilarShape(many=True, help_text="The newest three.")


class DecisionShape(serializers.Serializer[object]):
    """One manager's decision, bound to the digest they saw."""

    reviewer = serializers.CharField()
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    comment = serializers.CharField(allow_blank=True)
    digest = serializers.RegexField(DIGEST)
    bound = serializers.IntegerField(allow_null=True, min_value=0)
    at = serializers.DateTimeField()


class CommentShape(serializers.Serializer[object]):
    """What somebody said about a request without deciding; `line` is one of its statement, from 1, or null."""

    author = serializers.CharField()
    text = serializers.CharField()
    line = serializers.IntegerField(allow_null=True, min_value=1)
    at = serializers.DateTimeField()


class CommentsShape(serializers.Serializer[object]):
    """All that was said about a request, oldest first."""

    results = CommentShape(many=True)


class FailureShape(serializers.Serializer[object]):
    """Why a run failed; `detail` holds what the server said beside its message (`sqlstate`, `hint`, `line` …), and as
    `repair` the statement that finishes or removes what maintenance left behind."""

    code = serializers.ChoiceField(choices=[c.value for c in Code if c.value])
    message = serializers.CharField()
    detail = serializers.DictField(child=serializers.CharField())


class BlockerShape(serializers.Serializer[object]):
    """A session the run waits for, as the run's own login may know it: `state` "" and `seconds` null where it may not.

    `pid` 0 is a prepared transaction. `seconds` is how long its transaction is open.
    """

    pid = serializers.IntegerField(min_value=0)
    application = serializers.CharField(allow_blank=True)
    user = serializers.CharField(allow_blank=True)
    state = serializers.CharField(allow_blank=True)
    seconds = serializers.IntegerField(allow_null=True, min_value=0)


class ProgressShape(serializers.Serializer[object]):
    """How far maintenance has come in the `phase` it is in, as its server counts it: null where it does not."""

    phase = serializers.CharField()
    done = serializers.IntegerField(allow_null=True, min_value=0)
    total = serializers.IntegerField(allow_null=True, min_value=0)
    unit = serializers.CharField(allow_blank=True)


class ActivityShape(serializers.Serializer[object]):
    """What the run does on the target now; `state` is the server's own word, `waiting_for` a few words or "".

    `progress` is null but for maintenance, and there too when the server counts nothing of it.
    """

    elapsed_ms = serializers.IntegerField(min_value=0)
    state = serializers.CharField(allow_blank=True)
    waiting_for = serializers.CharField(allow_blank=True)
    blocked_by = BlockerShape(many=True)
    progress = ProgressShape(allow_null=True)


class FindingOutShape(serializers.Serializer[object]):
    """The COMMIT was sent `since` then, and what became of it is asked for until `until`; `asks`: how often so far."""

    since = serializers.DateTimeField()
    asked_at = serializers.DateTimeField()
    asks = serializers.IntegerField(min_value=1)
    until = serializers.DateTimeField()


class ClosedShape(serializers.Serializer[object]):
    """Who closed a request whose outcome stayed unknown, and what they had found."""

    by = serializers.CharField()
    at = serializers.DateTimeField()
    comment = serializers.CharField()


class TableEffectShape(serializers.Serializer[object]):
    """Rows changed of one table. `gap` says why not every one of them is known; null when `complete`."""

    table = serializers.CharField()
    inserted = serializers.IntegerField(min_value=0)
    updated = serializers.IntegerField(min_value=0)
    deleted = serializers.IntegerField(min_value=0)
    complete = serializers.BooleanField()
    gap = serializers.ChoiceField(choices=[g.value for g in Gap], allow_null=True)


class SchemaChangeShape(serializers.Serializer[object]):
    """An object of the schema that was changed, in the server's own words."""

    verb = serializers.ChoiceField(choices=[v.value for v in SchemaVerb])
    what = serializers.CharField()


class EffectShape(serializers.Serializer[object]):
    """What a write changed, by whatever means: triggers and cascades as well. `exact` is false where the counts may be
    too high, `counted` where something was changed that nobody counted. `lasts`: the server has no transactions."""

    tables = TableEffectShape(many=True)
    total = serializers.IntegerField(min_value=0)
    exact = serializers.BooleanField()
    counted = serializers.BooleanField()
    lasts = serializers.BooleanField(required=False)
    reversible = serializers.BooleanField()
    schema = SchemaChangeShape(many=True)


class RehearsalShape(serializers.Serializer[object]):
    """The last rehearsal. `stale` says why it no longer counts: it `failed`, is `old`, the request `changed`, or the
    `schema` of the tables did since. `schema` is what the target says of those now: it is asked for one request that
    waits, not for lists, and `unknown` where it was not asked or did not answer."""

    at = serializers.DateTimeField()
    by = serializers.CharField()
    digest = serializers.RegexField(DIGEST)
    duration_ms = serializers.FloatField(min_value=0)
    effect = EffectShape(allow_null=True)
    failure = FailureShape(allow_null=True)
    stale = serializers.ChoiceField(choices=[s.value for s in Stale], allow_null=True)
    schema = serializers.ChoiceField(choices=[s.value for s in Schema])


class StatementsShape(serializers.Serializer[object]):
    """How many of its statements had run when that was last told, a moment ago."""

    done = serializers.IntegerField(min_value=0)
    total = serializers.IntegerField(min_value=0)


class ExecutionShape(serializers.Serializer[object]):
    """The one run. `rows_affected` is null for what changes no rows, and where `affected_known` is false: a write whose
    changed rows nobody counted. `settings` are the target's own that decide how text is read as a value: `time_zone`,
    `date_order` (`DMY`, `MDY`, `YMD`), `interval_style`.

    `truncated_by` names the limit (`rows` or `bytes`) that cut the result short. `calls_made` and `console_lines` count
    what a script did; with `console_truncated` only the beginning of its console was kept.

    `said` is what the server said of maintenance, and its catalogue afterwards, for those who may see results; null for
    other runs, and in lists.

    `finding_out` is not null while a request is EXECUTING only because nobody can tell yet what became of its COMMIT.

    `activity` is null but on the page of one request while it is EXECUTING, and there too when the target cannot tell.
    `statements` counts those of a text of several while it is EXECUTING, and is null before the first was told.
    """

    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.FloatField(allow_null=True, min_value=0)
    failure = FailureShape(allow_null=True)
    row_count = serializers.IntegerField(min_value=0)
    rows_affected = serializers.IntegerField(allow_null=True, min_value=0)
    affected_known = serializers.BooleanField()
    effect = EffectShape(allow_null=True)
    settings = serializers.DictField(child=serializers.CharField())
    truncated = serializers.BooleanField()
    truncated_by = serializers.ChoiceField(choices=["rows", "bytes"], allow_null=True)
    has_result = serializers.BooleanField()
    calls_made = serializers.IntegerField()
    console_lines = serializers.IntegerField()
    console_truncated = serializers.BooleanField()
    said = serializers.CharField(allow_null=True)
    result_lost = serializers.CharField(allow_blank=True)
    result_expires_at = serializers.DateTimeField(allow_null=True)
    activity = ActivityShape(allow_null=True)
    statements = StatementsShape(allow_null=True)
    finding_out = FindingOutShape(allow_null=True)
    closed = ClosedShape(allow_null=True)


class QueryLimitsShape(serializers.Serializer[object]):
    """What the run may use: as approved, and while it waits no more than its target allows now."""

    seconds = serializers.IntegerField(min_value=0)
    lock_seconds = serializers.IntegerField(min_value=0)
    rows = serializers.IntegerField(min_value=0)
    bytes = serializers.IntegerField(min_value=0)


class QueryShape(serializers.Serializer[object]):
    """A request. `parameters` of an undo are rows of the target: null for readers who may not see its result, in lists,
    where they are larger than an answer, and once they are deleted as results are."""

    id = serializers.UUIDField()
    number = serializers.RegexField(r"^QR-[0-9]+$")
    status = serializers.ChoiceField(choices=[s.value for s in Status])
    code = serializers.ChoiceField(choices=[c.value for c in Code], allow_blank=True)
    pod = serializers.CharField()
    target = serializers.CharField()
    language = serializers.ChoiceField(choices=[x.value for x in Language])
    access = serializers.ChoiceField(choices=[a.value for a in Access])
    statement = serializers.CharField()
    parameters = serializers.ListField(child=StoredParameter(), allow_null=True)
    digest = serializers.RegexField(DIGEST)
    reason = serializers.CharField()
    ticket = serializers.CharField(allow_blank=True)
    author = serializers.CharField()
    submitted_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revises = serializers.UUIDField(allow_null=True)
    kinds = serializers.ListField(child=serializers.CharField())
    tables = serializers.ListField(child=serializers.CharField())
    findings = FindingShape(many=True)
    verified = VerifiedField()
    limits = QueryLimitsShape()
    approvals_required = serializers.IntegerField(min_value=0)
    expects = serializers.IntegerField(allow_null=True, min_value=0)
    bound = serializers.IntegerField(allow_null=True, min_value=0)
    undoes = serializers.UUIDField(allow_null=True)
    rehearsal = RehearsalShape(allow_null=True)
    decisions = DecisionShape(many=True)
    execution = ExecutionShape(allow_null=True)
    template = TemplateUseShape(allow_null=True)
    allowed = serializers.ListField(
        child=serializers.ChoiceField(
            choices=["approve", "reject", "withdraw", "rehearse", "cancel", "close", "revise", "undo"]
        )
    )


class PlanStepShape(serializers.Serializer[object]):
    """One step, those below it (by `depth`) give it its rows. `share` is its own part, from 0 to 1, of the cost of the
    whole. `reads_all` is about how many rows it reads where it reads the whole of `relation`; `large` where that is
    more than the target calls large. `line` is where its statement begins, on the first step of one of several."""

    depth = serializers.IntegerField(min_value=0)
    what = serializers.CharField()
    relation = serializers.CharField(allow_blank=True)
    estimated_rows = serializers.IntegerField(allow_null=True, min_value=0)
    cost = serializers.FloatField(allow_null=True, min_value=0)
    share = serializers.FloatField(allow_null=True, min_value=0)
    reads_all = serializers.IntegerField(allow_null=True, min_value=0)
    large = serializers.BooleanField()
    line = serializers.IntegerField(allow_null=True, min_value=1)


class PlanShape(serializers.Serializer[object]):
    """What the target estimates, the last step first. `estimated_rows` is what it returns or, of a write, changes; null
    where not known. `notes` say what has no plan, and why."""

    steps = PlanStepShape(many=True)
    estimated_rows = serializers.IntegerField(allow_null=True, min_value=0)
    notes = serializers.ListField(child=serializers.CharField())


class QueriesShape(serializers.Serializer[object]):
    """A page of requests, newest first."""

    results = QueryShape(many=True)
    next = serializers.RegexField(CURSOR, allow_null=True)


class ResultColumnShape(serializers.Serializer[object]):
    """A column and the server's own name of its type."""

    name = serializers.CharField()
    type = serializers.CharField()


class CutShape(serializers.Serializer[object]):
    """Where only the beginning is answered: of a cell; of a document, where `column` is null; of a column's name, where
    `row` is. Both count from 0, `row` over the whole result."""

    row = serializers.IntegerField(allow_null=True, min_value=0)
    column = serializers.IntegerField(allow_null=True, min_value=0)


class ResultShape(serializers.Serializer[object]):
    """Some rows, `limit` or as many as fit 2 MiB: `next` goes on, with the same order and filters. Cells are the
    server's own text, null for NULL; `documents`, canonical Extended JSON, only for results that are documents.
    `row_count`: of all rows that meet what was asked.

    `cut` is empty but for a single row larger than 2 MiB, which comes alone: it names what is cut. A download holds the
    whole.
    """

    columns = ResultColumnShape(many=True)
    rows = serializers.ListField(child=serializers.ListField(child=serializers.CharField(allow_null=True)))
    documents = serializers.ListField(child=serializers.CharField(), allow_null=True)
    first_row = serializers.IntegerField(min_value=0)
    row_count = serializers.IntegerField(min_value=0)
    truncated = serializers.BooleanField()
    truncated_by = serializers.ChoiceField(choices=["rows", "bytes"], allow_null=True)
    cut = CutShape(many=True)
    next = serializers.RegexField(CURSOR, allow_null=True)

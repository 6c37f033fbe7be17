"""The request, its decisions and comments, its one execution, the stored rows of its result, who is to be told; and the
templates that requests are made of."""

from queries.models.conversation import Comment, Event, Tiding
from queries.models.draft import KeptDraft
from queries.models.execution import Execution, LogLine, ResultChunk, Said, ScriptCall
from queries.models.notice import Medium, Notice
from queries.models.order import ResultOrder
from queries.models.rehearsal import Rehearsal, Schema
from queries.models.request import Code, Decision, QueryRequest, Verdict
from queries.models.sealed import Sealed
from queries.models.template import Ended, Grant, GrantedPerson, Template, TemplateUse, TemplateVersion
from queries.models.undo import UndoParameters, UndoPiece
from queries.models.view import SavedList, SavedView

__all__ = [
    "Code",
    "Comment",
    "Decision",
    "Ended",
    "Event",
    "Execution",
    "Grant",
    "GrantedPerson",
    "KeptDraft",
    "LogLine",
    "Medium",
    "Notice",
    "QueryRequest",
    "Rehearsal",
    "ResultChunk",
    "ResultOrder",
    "Said",
    "SavedList",
    "SavedView",
    "Schema",
    "ScriptCall",
    "Sealed",
    "Template",
    "TemplateUse",
    "TemplateVersion",
    "Tiding",
    "UndoParameters",
    "UndoPiece",
    "Verdict",
]

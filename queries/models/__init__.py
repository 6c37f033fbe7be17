"""The request, its decisions, its one execution, the stored rows of its result, and who is to be told."""

from queries.models.execution import Execution, LogLine, ResultChunk, Said, ScriptCall
from queries.models.notice import Medium, Notice
from queries.models.order import ResultOrder
from queries.models.rehearsal import Rehearsal, Schema
from queries.models.request import Code, Decision, QueryRequest, Verdict
from queries.models.sealed import Sealed
from queries.models.undo import UndoParameters, UndoPiece

__all__ = [
    "Code",
    "Decision",
    "Execution",
    "LogLine",
    "Medium",
    "Notice",
    "QueryRequest",
    "Rehearsal",
    "ResultChunk",
    "ResultOrder",
    "Said",
    "Schema",
    "ScriptCall",
    "Sealed",
    "UndoParameters",
    "UndoPiece",
    "Verdict",
]

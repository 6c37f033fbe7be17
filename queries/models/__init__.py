"""The request, its decisions, its one execution, and the stored rows of its result."""

from queries.models.execution import Execution, LogLine, ResultChunk, ScriptCall
from queries.models.request import Code, Decision, QueryRequest, Verdict

__all__ = ["Code", "Decision", "Execution", "LogLine", "QueryRequest", "ResultChunk", "ScriptCall", "Verdict"]

"""Asking V8 whether it takes a script, before anybody is asked to approve it.

One confined child of this process does it for one text after the other: it runs none, so nothing of one text stays for
the next. One that is slow, or ends in the midst of a text, is not asked again.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace

from executors.base import Analysis, ExecutionError, Finding, FindingCode, Severity, TimedOut, Verified
from executors.processes import scripts
from executors.processes.readers import LONG_READING_SECONDS, READING_SECONDS, SHORT_CHARACTERS
from executors.sandbox.client import SandboxChild
from executors.script.parsing import Parser
from executors.script.wire import ChildEnded, ProtocolError

# Processor time of a child, over all the texts that it parses.
_PROCESSOR_SECONDS = 600.0
_SPLIT = "Shorten it, or write it with less nesting."
# What holds of a text whether or not it is JavaScript.
_OF_CHARACTERS = frozenset({Verified.NO_HIDDEN_CHARACTERS, Verified.NO_LOOKALIKE_NAMES})


@dataclass(slots=True)
class _Parsers:
    """The parser of one process, taken when first needed and after one was lost."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    parser: Parser | None = None
    child: SandboxChild | None = None

    def parse(self, statement: str) -> Finding | None:
        """What V8 refuses in a script. Raises `ExecutionError` where it cannot be asked."""
        seconds = LONG_READING_SECONDS if len(statement) > SHORT_CHARACTERS else READING_SECONDS
        if not self.lock.acquire(timeout=seconds):
            return _unread(FindingCode.TOO_SLOW_TO_READ, "The portal is busy reading other scripts.")
        try:
            return self._parse(statement, seconds)
        finally:
            self.lock.release()

    def _parse(self, statement: str, seconds: float) -> Finding | None:
        """One that waited may have ended meanwhile; a fresh one that ends has ended of this text."""
        for fresh in (self.parser is None, True):
            try:
                return self._taken().parse(statement, seconds)
            except TimedOut:
                self.drop()
                return _unread(FindingCode.TOO_SLOW_TO_READ, f"The script could not be parsed within {seconds:g} s.")
            except (ChildEnded, ProtocolError):
                self.drop()
                if fresh:
                    break
        return _unread(FindingCode.UNREADABLE, "The script has too many parts, or is nested too deeply, to be parsed.")

    def _taken(self) -> Parser:
        if self.parser is None:
            self.child = scripts.take(_PROCESSOR_SECONDS)
            self.parser = Parser(socket.socket(fileno=self.child.channel))
        return self.parser

    def drop(self) -> None:
        """End the child."""
        parser, child, self.parser, self.child = self.parser, self.child, None, None
        if parser is not None:
            parser.close()
        if child is not None:
            with suppress(ExecutionError):
                scripts.kill(child)


_parsers: dict[int, _Parsers] = {}


def judged(statement: str, analysis: Analysis) -> Analysis:
    """`analysis` of a script, with V8's own word. Where V8 cannot be asked the syntax is not vouched for."""
    try:
        found = _parsers.setdefault(os.getpid(), _Parsers()).parse(statement)
    except ExecutionError:
        return replace(analysis, verified=tuple(held for held in analysis.verified if held is not Verified.SYNTAX))
    if found is None:
        return analysis
    kept = tuple(held for held in analysis.verified if held in _OF_CHARACTERS)
    return replace(analysis, findings=(found, *analysis.findings), verified=kept)


def close() -> None:
    """End the parser of this process."""
    ours = _parsers.pop(os.getpid(), None)
    if ours is not None:
        with ours.lock:
            ours.drop()


def forget() -> None:
    """Let go of the parser of the process this one was forked from."""
    for inherited in _parsers.values():
        if inherited.parser is not None:
            inherited.parser.close()
    _parsers.clear()


def _unread(code: FindingCode, message: str) -> Finding:
    return Finding(code, Severity.ERROR, message, hint=_SPLIT)

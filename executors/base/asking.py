"""What a target is asked about a statement before anybody approves it, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from executors.base.findings import Analysis, Finding, FindingCode, Severity, Verified
from executors.base.parameters import Parameter
from executors.base.statements import Language


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement in an engine's own language, to be understood and not run.

    `tables` are the tables or collections it names, as reading found them. `text` is "" where only they are known.
    `command` is what reading made of it, for the very engine that reads such texts. `given` says that the values of its
    parameters are known, `parameters`, so that a plan can be made for them.
    """

    text: str
    tables: tuple[str, ...] = ()
    command: object | None = field(default=None, compare=False, repr=False)
    given: bool = True
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a target said of one statement; lines and columns count in its text.

    `complete`: every part of the statement was asked about and answered. `settles`: what reading could only suppose and
    the target knows: its findings of these codes stand for those of reading. `noticed` is good to know and says nothing
    against the names.
    """

    findings: tuple[Finding, ...] = ()
    complete: bool = True
    settles: tuple[FindingCode, ...] = ()
    noticed: tuple[Finding, ...] = ()


# What reading claimed from the text alone, and what only a target can say against it.
_REFUTES = {FindingCode.OUTER_NAME: Verified.EVERY_WRITE_FILTERED}


@dataclass(frozen=True, slots=True)
class Word:
    """What a target said of a whole text, as findings and claims to put beside those of reading."""

    findings: tuple[Finding, ...] = ()
    verified: tuple[Verified, ...] = ()
    settles: tuple[FindingCode, ...] = ()

    @classmethod
    def missing(cls, why: str) -> Word:
        """The word of a target that gave none."""
        message = "The target did not answer, so the names in the statement were not checked."
        return cls((Finding(FindingCode.NAMES_NOT_CHECKED, Severity.INFO, message, hint=why),))

    def beside(self, analysis: Analysis, language: Language) -> Analysis:
        """What reading told, with this. Of a script only what is written out was asked about."""
        whole = language is not Language.SCRIPT or Verified.STATEMENTS_WRITTEN_OUT in analysis.verified
        supposed = (finding for finding in analysis.findings if finding.code not in self.settles)
        refuted = {_REFUTES.get(finding.code) for finding in self.findings}
        claimed = (claim for claim in analysis.verified if claim not in refuted)
        # Some that reading noticed of the text alone is noticed again.
        findings = tuple(dict.fromkeys((*supposed, *self.findings)))
        return replace(analysis, findings=findings, verified=(*claimed, *(self.verified if whole else ())))

"""Everything about one request in one file, which `verify_evidence.py` checks offline with the public key alone."""

from queries.evidence.file import MEDIA_TYPE, EvidenceFile, evidence

__all__ = ["MEDIA_TYPE", "EvidenceFile", "evidence"]

"""The evidence of a request: made with its row locked, recorded, covered by a checkpoint, and packed."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from hashlib import sha256
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from django.db import transaction

from accounts.models import User
from audit import checkpoints, keys, log, proofs
from audit.lines import canonical
from audit.models import Archive
from queries.evidence.content import content_of
from queries.evidence.summary import summary
from queries.models import QueryRequest
from queries.transitions import subject
from web.errors import NotNow

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/zip"
KIND = "query-portal evidence"
VERSION = 1
OWNER_ONLY = 0o600 << 16
RELATED = ("pod", "target", "author", "execution", "revises", "undoes")


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A ZIP, and what it is called."""

    filename: str
    content: bytes

    @property
    def headers(self) -> dict[str, str]:
        """What the response says of it."""
        return {"Content-Disposition": f'attachment; filename="{self.filename}"'}


def evidence(*, actor: User, query: QueryRequest) -> EvidenceFile:
    """Everything about a request that its reader may know of, signed now. Taking it is an entry of the log, too.

    Raises NotNow where this process has no key, where the log does not hold, and where entries of it were archived.
    """
    if keys.signing_key() is None:
        raise NotNow("This portal signs no checkpoints, so it can give no evidence. Tell an admin.", code="no_key")
    archived = Archive.objects.first()
    if archived is not None and query.submitted_at < archived.ends_at:
        message = f"Entries about this request were archived: they are in {archived.file} or in one before it."
        raise NotNow(message, code="archived")
    parts, seq = _recorded(actor, query.pk)
    try:
        checkpoints.ensure(seq)
    except checkpoints.Broken as broken:
        logger.critical("the audit log does not hold: %s", broken)
        message = "The audit log does not hold, so nothing new is signed. Tell an auditor to verify it."
        raise NotNow(message, code="log_broken") from broken
    parts["log.jsonl"] = "".join(proofs.lines_about(subject(query), seq)).encode()
    return EvidenceFile(f"{query.number}-evidence.zip", _packed(parts))


def _recorded(actor: User, query_id: int) -> tuple[dict[str, bytes], int]:
    """The parts that the manifest lists, the manifest, and the entry that holds its hash: nobody can change one of them
    without contradicting what is signed. The row is locked: what is told and what the log tells is of one moment."""
    with transaction.atomic():
        query = QueryRequest.objects.select_for_update(of=("self",)).select_related(*RELATED).get(pk=query_id)
        content = content_of(query, actor)
        files = {
            "request.json": canonical(content).encode(),
            "summary.html": summary(query, content, actor).encode(),
        }
        manifest = {
            "entries": proofs.entries_about(subject(query)),
            "files": {name: sha256(data).hexdigest() for name, data in files.items()},
            "kind": KIND,
            "request": str(query.public_id),
            "version": VERSION,
        }
        parts = {"manifest.json": canonical(manifest).encode(), **files}
        data = {"manifest": sha256(parts["manifest.json"]).hexdigest()}
        entry = log.append(log.Action.QUERY_EVIDENCE, actor=actor, subject=subject(query), data=data)
    return parts, entry.seq


def _packed(parts: dict[str, bytes]) -> bytes:
    """The one ZIP that these parts make: nothing compressed, every byte of it given by the parts."""
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_STORED) as file:
        for name, data in parts.items():
            info = ZipInfo(name)
            info.create_system, info.external_attr = 3, OWNER_ONLY
            file.writestr(info, data)
    return content.getvalue()

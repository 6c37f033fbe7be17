"""Drafts: what is typed is kept under its target and language, and never over another text."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from pods.models import Target
from queries.models import KeptDraft
from web.errors import BadInput, FieldError, NotNow

MOST_CHARACTERS = 2_200_000


class InTheWay(NotNow):
    """There is a draft that would be written over: `draft`, for the same target and language, or changed since."""

    def __init__(self, message: str, draft: KeptDraft) -> None:
        super().__init__(message, code="draft_in_the_way")
        self.draft = draft


@dataclass(frozen=True, slots=True)
class Unsent:
    """The form as typed. `target` is a slug; `draft` and `seen` name the draft it came from and its state then.

    `instead`: whatever is in the way is written over, because its author said so.
    """

    target: str
    language: str
    content: Mapping[str, str]
    draft: UUID
    seen: str = ""
    instead: bool = False


def keep_draft(*, actor: User, unsent: Unsent) -> KeptDraft:
    """Keep what is typed; a draft moves with its text to another target or language.

    Raises BadInput for a target that the person may not ask for, or a language it does not take, and InTheWay.
    """
    target = _target(actor, unsent)
    content = {name: text.replace("\0", "") for name, text in unsent.content.items()}
    try:
        with transaction.atomic():
            return _stored(actor, unsent, target, content)
    except IntegrityError:  # another window was first by a moment
        raise InTheWay(_ANOTHER, KeptDraft.objects.get(author=actor, target=target, language=unsent.language)) from None


def discard_draft(*, actor: User, draft: UUID) -> None:
    """Forget a draft of the person's own; nothing where there is none of that id."""
    KeptDraft.objects.filter(author=actor, public_id=draft).delete()


_ANOTHER = "Another draft is kept for this target in this language; this text is not saved over it."
_TOO_LONG = f"A draft holds at most {MOST_CHARACTERS:,} characters."
_CHANGED = "This draft was changed in another window; this text is not saved over it."


def _target(actor: User, unsent: Unsent) -> Target:
    target = Target.objects.usable_by(actor).filter(slug=unsent.target.replace("\0", "")).first()
    if target is None:
        raise BadInput({"target": [FieldError("There is no such target that you may ask for.", "unknown_target")]})
    if unsent.language not in target.languages:
        raise BadInput({"language": [FieldError(f"{target.name} takes {', '.join(target.languages)}.")]})
    if sum(map(len, unsent.content.values())) > MOST_CHARACTERS:
        raise BadInput({"statement": [FieldError(_TOO_LONG, "too_long")]})
    return target


def _stored(actor: User, unsent: Unsent, target: Target, content: Mapping[str, str]) -> KeptDraft:
    own = KeptDraft.objects.select_for_update().filter(author=actor)
    draft = own.filter(public_id=unsent.draft).first()
    others = own.filter(target=target, language=unsent.language).exclude(public_id=unsent.draft)
    if unsent.instead:
        others.delete()
    elif draft is not None and draft.seen != unsent.seen:
        raise InTheWay(_CHANGED, draft)
    elif (other := others.first()) is not None:
        raise InTheWay(_ANOTHER, other)
    draft = draft or KeptDraft(author=actor)
    draft.target, draft.language, draft.content, draft.saved_at = target, unsent.language, content, timezone.now()
    draft.save()
    return draft

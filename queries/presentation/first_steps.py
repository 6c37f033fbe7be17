"""What to do on a portal where nothing has run yet: four steps, and a request to try it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from accounts.models import User
from executors.base import EngineKind, Language
from pods.models import Pod, Target
from queries.lifecycle import Status
from queries.models import QueryRequest

# A statement that every database of an engine answers, and that reads nothing of anybody's.
SAMPLES: Final[Mapping[str, tuple[Language, str]]] = {
    EngineKind.POSTGRESQL: (Language.SQL, "SELECT version() AS version, current_user AS login, now() AS now"),
    EngineKind.MONGODB: (Language.MONGO, "db.getCollectionNames()"),
}
SAMPLE_REASON: Final = "To see how the portal works"


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One step; `address` is where it is done, "" where this person cannot do it."""

    title: str
    who: str
    done: bool
    address: str = ""


def first_steps(reader: User) -> list[FirstStep]:
    """The four steps, for those who can do one; [] once a request has run."""
    executed, asked = QueryRequest.objects.filter(status=Status.EXECUTED), QueryRequest.objects.all()
    if executed.newest_visible_to(reader, 1).exists():
        return []
    admin, target = reader.is_portal_admin, Target.objects.usable_by(reader).order_by("name").first()
    pods, targets, sent = (
        Pod.objects.visible_to(reader),
        Target.objects.visible_to(reader),
        asked.newest_visible_to(reader, 1).exists(),
    )
    waits = QueryRequest.objects.awaiting(reader).values_list("public_id", flat=True).first()
    pod_form, target_form = (reverse(f"admin:pods_{model}_add") if admin else "" for model in ("pod", "target"))
    return [
        FirstStep("Add a pod: a team with its people", "An admin", pods.exists(), pod_form),
        FirstStep("Add a target: a database of the pod", "An admin", targets.exists(), target_form),
        FirstStep("Send a sample request", "A developer of the pod", sent, sample_address(target) if target else ""),
        FirstStep(
            "Approve it: it runs, and both see what came of it",
            "A manager of the pod, another than who asked",
            done=False,
            address=reverse("queries:detail", args=[waits]) if waits else "",
        ),
    ]


def sample_address(target: Target) -> str:
    """Where a sample request for a target is ready to be sent."""
    return f"{reverse('queries:new')}?target={target.slug}&sample=yes"


def sample(target: Target) -> dict[str, str]:
    """The fields of a sample request."""
    language, statement = SAMPLES[target.engine]
    return {"language": language.value, "statement": statement, "reason": SAMPLE_REASON}

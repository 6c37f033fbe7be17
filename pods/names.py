"""Names that people give: nothing in them is hidden."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from web.characters import marked


def require_visible(name: str) -> None:
    """Raise ValidationError at `name` when it holds what cannot be seen."""
    if marked(name) != name:
        raise ValidationError({"name": f"The name holds what cannot be seen: {marked(name)}."})

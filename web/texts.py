"""What no text may hold that comes from outside: what PostgreSQL cannot keep, and more than there is room for."""

from web.errors import FieldError

NUL = FieldError("It holds a NUL byte; remove it.", "nul")
SURROGATE = FieldError("It holds half a character (a lone surrogate); remove it.", "surrogate")


def text_problem(value: str, *, most: int | None = None) -> FieldError | None:
    """What is wrong with a text of at most `most` characters, None when nothing is."""
    if "\0" in value:
        return NUL
    if most is not None and len(value) > most:
        return FieldError(f"It is {len(value):,} characters long; at most {most:,} fit.", "too_long")
    return SURROGATE if any("\ud800" <= character <= "\udfff" for character in value) else None

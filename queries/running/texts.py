"""Texts from outside, as the portal keeps them."""

TEXT_KEPT = 8 * 1024


def stored(text: str) -> str:
    """Text PostgreSQL can hold, and no more of it than is read."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:TEXT_KEPT]

"""Texts from outside, as the portal keeps them."""

import traceback

TEXT_KEPT = 8 * 1024


def stored(text: str) -> str:
    """Text PostgreSQL can hold, and no more of it than is read; what was cut says so."""
    storable = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    left = len(storable) - TEXT_KEPT
    return storable if left <= 0 else f"{storable[:TEXT_KEPT]}… ({left:,} more characters were not kept)"


def place_of(error: BaseException) -> str:
    """What kind of error it was and where it was raised, without its words: they may quote data."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__name__}\n{frames}"

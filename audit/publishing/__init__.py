"""Checkpoints and entries on their way out: each place gets every one, again and again until it has taken it."""

from audit.publishing.forwarding import forward_due
from audit.publishing.outbox import failing, publish_due

__all__ = ["failing", "forward_due", "publish_due"]

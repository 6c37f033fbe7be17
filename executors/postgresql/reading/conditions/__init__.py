"""Whether a condition holds anything back."""

from executors.postgresql.reading.conditions.judge import Conditions
from executors.postgresql.reading.conditions.truth import Truth

__all__ = ["Conditions", "Truth"]

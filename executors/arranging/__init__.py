"""Sorting, searching and comparing encoded rows, in constant memory: plain functions over blocks of bytes."""

from executors.arranging.asked import Arrangement, Condition, Operator, Order
from executors.arranging.kinds import Kind, kind_of

__all__ = ["Arrangement", "Condition", "Kind", "Operator", "Order", "kind_of"]

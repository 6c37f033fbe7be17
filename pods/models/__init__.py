"""Pods, what they may reach, and who is in them."""

from pods.models.pod import REVIEW, RIGHTS, SUBMIT, Pod, PodGroupObjectPermission
from pods.models.report import TargetReport
from pods.models.target import Environment, Rehearsals, Target

__all__ = (
    "REVIEW",
    "RIGHTS",
    "SUBMIT",
    "Environment",
    "Pod",
    "PodGroupObjectPermission",
    "Rehearsals",
    "Target",
    "TargetReport",
)

"""What a test of a target's logins found."""

from __future__ import annotations

from django.db import models

from pods.models.target import Target


class TargetReport(models.Model):
    """What the last test of a target's logins found; replaced by the next one."""

    target = models.OneToOneField(Target, on_delete=models.CASCADE, related_name="report")
    at = models.DateTimeField(auto_now=True)
    # What is wrong and how it is mended, in words, and whether it is a fault.
    told = models.JSONField(default=list)
    # The variables and the search path that were tested.
    about = models.JSONField(default=list)

    class Meta:
        db_table = "target_reports"
        default_permissions = ()

    def __str__(self) -> str:
        return f"test of {self.target}"

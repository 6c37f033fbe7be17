"""Filters of a list that somebody keeps: for themselves, or for all of a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from accounts.models import User
from pods.models import Pod

NAME_LENGTH = 60
ADDRESS_LENGTH = 1000


class SavedList(models.TextChoices):
    """Which list a view is of, by the name of its address."""

    REVIEW = "review"
    REQUESTS = "queries:list"


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def for_person(self, user: User) -> SavedViewQuerySet:
        """A person's own, and those of the pods they are in: in the order of the tabs."""
        mine = Q(person=user) | Q(pod__in=Pod.objects.of_member(user))
        return self.filter(mine).select_related("pod").order_by("pod__name", "position", "pk")


class SavedView(models.Model):
    """A named address of a list: its filters as a query string."""

    person = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+", editable=False)
    pod = models.ForeignKey(Pod, null=True, on_delete=models.CASCADE, related_name="+", editable=False)
    list = models.CharField(max_length=12, choices=SavedList, editable=False)
    name = models.CharField(max_length=NAME_LENGTH, editable=False)
    address = models.CharField(max_length=ADDRESS_LENGTH, editable=False)
    position = models.IntegerField(default=0, editable=False)

    objects = SavedViewQuerySet.as_manager()

    if TYPE_CHECKING:
        person_id: int | None
        pod_id: int | None

    class Meta:
        db_table = "saved_views"
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=Q(person=None) ^ Q(pod=None), name="view_of_a_person_or_a_pod"),
            models.CheckConstraint(condition=Q(list__in=SavedList.values), name="view_of_a_list"),
            models.UniqueConstraint(
                fields=["person", "pod", "list", "name"], nulls_distinct=False, name="view_name_once"
            ),
        )

    def __str__(self) -> str:
        return self.name

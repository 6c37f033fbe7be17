"""Which target two slugs name."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pods.models import Pod, Target
from pods.naming import named

pytestmark = pytest.mark.django_db


def test_a_target_is_found_with_its_pod_in_one_statement(target: Target) -> None:
    with CaptureQueriesContext(connection) as asked:
        found = named(target.pod.slug, target.slug)
        assert found is not None
        assert (found, found.pod) == (target, target.pod)
    assert len(asked) == 1
    stored = Target.objects.select_related("pod").get(pk=target.pk)
    for one, other in ((found, stored), (found.pod, stored.pod)):
        assert {**vars(one), "_state": None} == {**vars(other), "_state": None}


@pytest.mark.parametrize("slug", ["", "elsewhere", "{pod}x", "{target}", "' OR true --"])
def test_no_other_slug_of_a_pod_finds_it(target: Target, slug: str) -> None:
    assert named(slug.format(pod=target.pod.slug, target=target.slug), target.slug) is None


@pytest.mark.parametrize("slug", ["", "elsewhere", "{target}x", "{pod}", "%", "_" * 6])
def test_no_other_slug_of_a_target_finds_it(target: Target, slug: str) -> None:
    assert named(target.pod.slug, slug.format(pod=target.pod.slug, target=target.slug)) is None


def test_one_that_is_switched_off_or_in_another_pod_is_not_found(target: Target, other_pod: Pod) -> None:
    slug = target.pod.slug
    assert named(other_pod.slug, target.slug) is None
    Target.objects.filter(pk=target.pk).update(active=False)
    assert named(slug, target.slug) is None
    Target.objects.filter(pk=target.pk).update(active=True, pod=other_pod)
    assert named(slug, target.slug) is None

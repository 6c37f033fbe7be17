"""What was approved is what runs: a target changed after submission is another place."""

import pytest

from queries import services
from queries.lifecycle import Status
from queries.tests.world import World
from web.errors import NotNow


@pytest.mark.parametrize(
    "change",
    [
        {"read_url_variable": "SOMEWHERE_ELSE_URL"},
        {"search_path": "other"},
        {"environment": "development"},
        {"slug": "renamed"},
    ],
    ids=str,
)
def test_a_changed_target_is_not_approved(world: World, change: dict[str, str]) -> None:
    query = world.submitted("SELECT 1")
    type(query.target).objects.filter(pk=query.target_id).update(**change)
    with pytest.raises(NotNow, match="target was changed"):
        services.approve(actor=world.reviewer, query_id=query.pk, digest=query.digest)


def test_it_can_still_be_rejected(world: World) -> None:
    query = world.submitted("SELECT 1")
    type(query.target).objects.filter(pk=query.target_id).update(search_path="other")
    ended = services.reject(actor=world.reviewer, query_id=query.pk, digest=query.digest, comment="moved")
    assert ended.state is Status.REJECTED

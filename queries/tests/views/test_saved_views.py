"""Saved views: for oneself, for a pod by its managers, and never for anybody else."""

from __future__ import annotations

import pytest

from audit.models import AuditLog
from queries import services
from queries.models import SavedList, SavedView
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World
from web.errors import BadInput, NotAllowed, NotFound

SENT = {"list": "review", "name": "Production writes", "address": "view=pods&access=write&after=7&choosing=yes"}


def saved() -> list[tuple[str, str]]:
    return list(SavedView.objects.order_by("position", "pk").values_list("name", "address"))


def test_a_view_of_mine_is_a_tab_for_me_alone(world: World, client_of: SignedIn) -> None:
    client = client_of(world.reviewer)
    answer = client.post("/views/save/", SENT)
    view = SavedView.objects.get()
    assert saved() == [("Production writes", "view=pods&access=write")]
    assert answer["Location"] == f"/review/?view=pods&access=write&saved={view.pk}"
    page = client.get(answer["Location"]).content.decode()
    tab = page.partition(f'saved={view.pk}"')[2].partition("</a>")[0]
    assert 'aria-current="page"' in tab
    assert "Production writes" in tab
    assert "Production writes" not in client_of(world.second_reviewer).get("/review/").content.decode()


def test_a_view_of_a_pod_is_shared(world: World, client_of: SignedIn) -> None:
    client_of(world.reviewer).post("/views/save/", {**SENT, "list": "queries:list", "pod": world.pod.slug})
    for person in (world.author, world.second_reviewer):
        assert "Production writes" in client_of(person).get("/queries/").content.decode()
    assert "Production writes" not in client_of(world.outsider).get("/queries/").content.decode()
    assert "Production writes" not in client_of(world.reviewer).get("/review/").content.decode()


@pytest.mark.parametrize(
    ("name", "error"), [("author", NotAllowed), ("outsider", BadInput), ("other_manager", BadInput)]
)
def test_only_its_managers_keep_the_views_of_a_pod(name: str, error: type[Exception], world: World) -> None:
    with pytest.raises(error):
        services.save_view(actor=getattr(world, name), name="Mine", of=SavedList.REVIEW, address="", pod=world.pod.slug)
    view = services.save_view(actor=world.reviewer, name="Ours", of=SavedList.REVIEW, address="", pod=world.pod.slug)
    for verb in (services.move_view, services.remove_view):
        with pytest.raises((NotAllowed, NotFound)):
            verb(actor=getattr(world, name), view_id=view.pk)
    assert saved() == [("Ours", "")]


def test_nobody_touches_a_view_of_mine(world: World, client_of: SignedIn) -> None:
    view = services.save_view(actor=world.author, name="Mine", of=SavedList.REQUESTS, address="q=x")
    for person in (world.reviewer, world.admin):
        assert client_of(person).post(f"/views/{view.pk}/remove/").status_code == 404
    client_of(world.author).post(f"/views/{view.pk}/remove/")
    assert saved() == []


def test_views_are_ordered_and_every_act_is_recorded(world: World) -> None:
    def keep(name: str) -> SavedView:
        return services.save_view(actor=world.reviewer, name=name, of=SavedList.REVIEW, address="")

    keep("a")
    keep("b")
    last = keep("c")
    services.move_view(actor=world.reviewer, view_id=last.pk)
    assert [name for name, _ in saved()] == ["a", "c", "b"]
    services.move_view(actor=world.reviewer, view_id=last.pk)
    services.move_view(actor=world.reviewer, view_id=last.pk)
    assert [name for name, _ in saved()] == ["c", "a", "b"]
    services.remove_view(actor=world.reviewer, view_id=last.pk)
    actions = AuditLog.objects.filter(subject_kind="view").order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["view.save"] * 3 + ["view.move"] * 3 + ["view.remove"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"name": " "}, "Give it a name."),
        ({"name": "x" * 61}, "at most 60 fit"),
        ({"name": "a\0b"}, "NUL"),
        ({"address": "q=" + "x" * 1500}, "too long to be kept"),
        ({"pod": "nowhere"}, "There is no such pod"),
    ],
)
def test_what_cannot_be_kept_is_said(sent: dict[str, str], words: str, world: World, client_of: SignedIn) -> None:
    page = client_of(world.reviewer).post("/views/save/", {**SENT, **sent}, follow=True).content.decode()
    assert words in page
    assert saved() == []


def test_a_name_is_taken_once_and_there_is_an_end(
    world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(world.reviewer)
    client.post("/views/save/", SENT)
    assert "a view of that name already" in client.post("/views/save/", SENT, follow=True).content.decode()
    monkeypatch.setattr("queries.services.views.MOST_VIEWS", 1)
    again = client.post("/views/save/", {**SENT, "name": "Another"}, follow=True).content.decode()
    assert "There are 1 views already" in again
    assert len(saved()) == 1

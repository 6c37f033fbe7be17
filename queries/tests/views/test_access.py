"""Every page × every person: who gets in. A page that is missing from the table fails a test of its own."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from queries.models import QueryRequest, Template
from queries.services import TemplateDraft, create_template
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World

PEOPLE = ("author", "reviewer", "colleague", "outsider", "auditor", "admin")
ALL = dict.fromkeys(PEOPLE, 200)
OF_THE_POD = {"author": 200, "reviewer": 200, "colleague": 200, "outsider": 404, "auditor": 200, "admin": 200}
POSTS = dict.fromkeys(PEOPLE, 302)

# page → what each person is answered to a GET. Requests are the author's, in the reviewer's pod, and waiting.
PAGES: dict[str, dict[str, int]] = {
    "home": ALL,
    "review": ALL,
    "review_news": ALL,
    "review_stale": POSTS,
    "views": POSTS,
    # Nobody's.
    "view": dict.fromkeys(PEOPLE, 404),
    "view_save": POSTS,
    "view_move": POSTS,
    "view_remove": POSTS,
    "templates": ALL,
    "template_new": ALL,
    "template": OF_THE_POD,
    # Its owner and the managers.
    "template_change": {**OF_THE_POD, "colleague": 403, "auditor": 403, "admin": 403},
    "template_ask": POSTS,
    "template_grant": POSTS,
    "template_withdraw": POSTS,
    "template_retire": POSTS,
    "notices": ALL,
    "notices_news": ALL,
    "notices_read": POSTS,
    "queries:list": ALL,
    "queries:news": ALL,
    "queries:new": ALL,
    "queries:draft": POSTS,
    "queries:detail": OF_THE_POD,
    "queries:statement": OF_THE_POD,
    "queries:parameter": OF_THE_POD,
    "queries:status": OF_THE_POD,
    "queries:plan": {"author": 403, "reviewer": 200, "colleague": 403, "outsider": 404, "auditor": 403, "admin": 403},
    "queries:approve": POSTS,
    "queries:rehearse": POSTS,
    "queries:undo": POSTS,
    "queries:reject": POSTS,
    "queries:comment": POSTS,
    "queries:withdraw": POSTS,
    "queries:cancel": POSTS,
    "queries:close": POSTS,
    "queries:revise": POSTS,
    # It has not run; whoever may never see its result is told that first.
    "queries:result": {"author": 409, "reviewer": 409, "colleague": 403, "outsider": 404, "auditor": 403, "admin": 403},
    "queries:value": {"author": 409, "reviewer": 409, "colleague": 403, "outsider": 404, "auditor": 403, "admin": 403},
    "queries:cell": {"author": 409, "reviewer": 409, "colleague": 403, "outsider": 404, "auditor": 403, "admin": 403},
    "queries:copy": {"author": 409, "reviewer": 409, "colleague": 403, "outsider": 404, "auditor": 403, "admin": 403},
    "queries:difference": {
        "author": 409,
        "reviewer": 409,
        "colleague": 403,
        "outsider": 404,
        "auditor": 403,
        "admin": 403,
    },
    "queries:download": {
        "author": 409,
        "reviewer": 409,
        "colleague": 403,
        "outsider": 404,
        "auditor": 403,
        "admin": 403,
    },
    "pods:list": ALL,
    "pods:detail": OF_THE_POD,
    "pods:target": OF_THE_POD,
    "audit:list": {**dict.fromkeys(PEOPLE, 403), "auditor": 200, "admin": 200},
    "audit:news": {**dict.fromkeys(PEOPLE, 403), "auditor": 200, "admin": 200},
    "audit:verify": POSTS,
    "audit:entries_csv": {**dict.fromkeys(PEOPLE, 403), "auditor": 200, "admin": 200},
    "audit:entries_jsonl": {**dict.fromkeys(PEOPLE, 403), "auditor": 200, "admin": 200},
    "audit:log": {**dict.fromkeys(PEOPLE, 403), "auditor": 200, "admin": 200},
    "audit:checkpoints": {**dict.fromkeys(PEOPLE, 403), "auditor": 200, "admin": 200},
    "audit:public_key": ALL,
    "queries:evidence": OF_THE_POD,
    "accounts:login": dict.fromkeys(PEOPLE, 302),
    "accounts:account": dict.fromkeys(PEOPLE, 302),
    "accounts:logout": POSTS,
    "accounts:profile": ALL,
    "accounts:zone": POSTS,
    "accounts:password": ALL,
    "absence": {**dict.fromkeys(PEOPLE, 200)},
    "absence_end": POSTS,
    "admin:index": {**dict.fromkeys(PEOPLE, 302), "admin": 200},
}
# Not pages, or with tests of their own.
ELSEWHERE = ("api:", "schema", "docs", "metrics", "admin:")
PUBLIC = {"accounts:login"}
WITHOUT_ID = {"queries:list", "queries:news", "queries:new", "queries:draft"}


def template_of(query: QueryRequest) -> Template:
    """The one template there is: of the request's author and pod."""
    template = Template.objects.first()
    if template is not None:
        return template
    draft = TemplateDraft(query.pod.slug, "One", "sql", "read", "SELECT 1", (query.target.slug,))
    return create_template(actor=query.author, draft=draft)


def address(name: str, query: QueryRequest) -> str:
    """The address of a page about the request and its pod."""
    if name == "pods:detail":
        return reverse(name, args=[query.pod.slug])
    if name.startswith("template") and name not in {"templates", "template_new"}:
        return reverse(name, args=[template_of(query).public_id])
    if name == "pods:target":
        return reverse(name, args=[query.pod.slug, query.target.slug])
    if name in {"view", "view_move", "view_remove"}:
        return reverse(name, args=[1])
    more = {"queries:download": "csv", "queries:parameter": 1}
    if name in more:
        return reverse(name, args=[query.public_id, more[name]])
    needs_id = name.startswith("queries:") and name not in WITHOUT_ID
    return reverse(name, args=[query.public_id] if needs_id else [])


def names(patterns: list[URLPattern | URLResolver], prefix: str = "") -> set[str]:
    """Every named route."""
    found: set[str] = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            space = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            found |= names(pattern.url_patterns, space)
        elif pattern.name:
            found.add(f"{prefix}{pattern.name}")
    return found


@pytest.mark.parametrize("page", PAGES)
def test_page_answers_each_person(page: str, world: World, client_of: SignedIn) -> None:
    query = world.submitted("SELECT $1::int", parameters=(1,))
    answers = {name: client_of(getattr(world, name)).get(address(page, query)).status_code for name in PEOPLE}
    assert answers == PAGES[page]


@pytest.mark.parametrize("page", sorted(PAGES.keys() - PUBLIC))
def test_stranger_is_sent_to_the_sign_in_page(page: str, world: World) -> None:
    response = Client().get(address(page, world.submitted()), follow=True)
    assert response.redirect_chain[-1][0].startswith("/accounts/login/?next=")


def test_no_page_is_missing_from_the_table() -> None:
    pages = {name for name in names(get_resolver().url_patterns) if not name.startswith(ELSEWHERE)}
    assert pages == {name for name in PAGES if not name.startswith("admin:")}


@pytest.mark.parametrize("verb", ["approve", "reject", "withdraw", "cancel", "revise"])
def test_viewer_from_another_pod_cannot_learn_that_a_request_exists(
    verb: str, world: World, client_of: SignedIn
) -> None:
    query = world.submitted()
    body = {"digest": query.digest, "comment": "x"}
    response = client_of(world.other_manager).post(reverse(f"queries:{verb}", args=[query.public_id]), body)
    assert response.status_code == 404


@pytest.mark.parametrize("name", ["author", "colleague", "auditor", "admin"])
def test_only_a_manager_of_the_pod_approves(name: str, world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    person: User = getattr(world, name)
    response = client_of(person).post(reverse("queries:approve", args=[query.public_id]), {"digest": query.digest})
    query.refresh_from_db()
    assert (response.status_code, query.status) == (403, "PENDING")

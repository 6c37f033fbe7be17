"""Every act that changes something, as somebody does it by its address, and the entry that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from portal.tests.test_admin import TARGET
from queries.models import QueryRequest, SavedView, Template
from queries.running.claim import claim
from queries.tests.conftest import SignedIn
from queries.tests.services.test_grants import granted
from queries.tests.services.test_templates import kept
from queries.tests.views.test_templates import VALUE, form, terms
from queries.tests.world import World

VALUES = {"public_id": "00000000-0000-4000-8000-000000000000", "format": "csv"}
JSON = "application/json"
API = "/api/v1/"


@dataclass(frozen=True, slots=True)
class Doing:
    """Somebody does something at an address."""

    world: World
    client_of: SignedIn
    patch: pytest.MonkeyPatch

    def page(self, who: User, path: str, **sent: object) -> None:
        self._done(self.client_of(who).post(path, sent))

    def call(self, who: User | None, path: str, **sent: object) -> Any:
        client = self.client_of(who) if who else Client()
        return self._done(client.post(f"{API}{path}", sent, content_type=JSON))

    def _done(self, answer: Any) -> Any:
        assert answer.status_code in {200, 201, 302}, answer.content.decode()[:600]
        return answer

    def waiting(self) -> QueryRequest:
        return self.world.submitted()

    def write(self) -> QueryRequest:
        return self.world.submitted("UPDATE items SET name = 'x' WHERE id = 1", access="write")

    def executing(self) -> QueryRequest:
        with self.patch.context() as patch:
            patch.setattr("queries.running.run", lambda query: query)
            query = self.world.approved(self.world.submitted("SELECT pg_sleep(1)"))
        claim(query)
        # Its lock is held on the test's one connection, which would find it free.
        self.patch.setattr("queries.running.settle_lost", lambda _query: False)
        return query

    def view(self) -> SavedView:
        self.page(self.world.reviewer, "/views/save/", **VIEW)
        return SavedView.objects.get()

    def password(self) -> User:
        self.world.author.set_password("a long enough password 1")
        self.world.author.save()
        return self.world.author


Act = Callable[[Doing], object]
VIEW = {"list": "review", "name": "Production writes", "filters": "access=write"}
BODY = {
    "pod": "payments",
    "target": "orders",
    "language": "sql",
    "statement": "SELECT 1",
    "access": "read",
    "reason": "to see",
}
SIGN_IN = {"username": "author", "password": "a long enough password 1"}
MEMBERS: dict[str, list[int]] = {"managers_of_pod": [], "developers_of_pod": []}
PERSON = {"role": "DEVELOPER", "username": "newcomer", "theme": "system", "time_zone": "UTC"}


def at(query: QueryRequest, verb: str) -> str:
    return f"queries/{query.public_id}/{verb}/"


def page(verb: str, who: str, make: Callable[[Doing], QueryRequest] = Doing.waiting, **sent: str) -> Act:
    """A verb of a request's page."""

    def act(do: Doing) -> None:
        query = make(do)
        do.page(getattr(do.world, who), f"/{at(query, verb)}", digest=query.digest, **sent)

    return act


def call(
    verb: str, who: str, make: Callable[[Doing], QueryRequest] = Doing.waiting, *, digest: bool = False, **sent: str
) -> Act:
    """The same in the API."""

    def act(do: Doing) -> None:
        query = make(do)
        do.call(getattr(do.world, who), at(query, verb), **({"digest": query.digest} if digest else {}), **sent)

    return act


def executed_write(do: Doing) -> QueryRequest:
    return do.world.approved(do.write())


def refreshed(do: Doing) -> None:
    do.password()
    tokens = do.call(None, "auth/token/", **SIGN_IN).json()
    do.call(None, "auth/token/refresh/", refresh=tokens["refresh"])


def _second_moved(do: Doing) -> None:
    first = do.view()
    do.page(do.world.reviewer, "/views/save/", **{**VIEW, "name": "Second"})
    do.page(do.world.reviewer, f"/views/{first.pk}/move/", to="later")


def away() -> dict[str, str]:
    """An absence of today."""
    today = timezone.now().date().isoformat()
    return {"first_day": today, "last_day": today, "stand_in": "second_reviewer"}


def back(do: Doing) -> None:
    """An absence that ends at once."""
    do.page(do.world.reviewer, "/accounts/absence/", **away())
    do.page(do.world.reviewer, "/accounts/absence/end/")


ACTS: dict[str, tuple[str, Act]] = {
    "api:token": ("user.sign_in", lambda do: (do.password(), do.call(None, "auth/token/", **SIGN_IN))),
    "api:token_refresh": ("user.token_refresh", refreshed),
    "api:queries": ("query.submit", lambda do: do.call(do.world.author, "queries/", **BODY)),
    "api:query_comments": ("query.comment", call("comments", "reviewer", text="Why?")),
    "api:query_approve": ("query.approve", call("approve", "reviewer", digest=True)),
    "api:query_rehearse": ("query.rehearse", call("rehearse", "reviewer", Doing.write, digest=True)),
    "api:query_undo": ("query.undo", call("undo", "author", executed_write)),
    "api:query_reject": ("query.reject", call("reject", "reviewer", comment="No.")),
    "api:query_withdraw": ("query.withdraw", call("withdraw", "author")),
    "api:query_cancel": ("query.cancel", call("cancel", "author", Doing.executing)),
    "api:audit_verify": ("audit.verify", lambda do: do.call(do.world.auditor, "audit/verify/")),
    "admin:logout": ("user.sign_out", lambda do: do.page(do.world.admin, "/admin/logout/")),
    "admin:auth_user_password_change": (
        "admin.change",
        lambda do: do.page(
            do.world.admin,
            f"/admin/accounts/user/{do.world.author.pk}/password/",
            password1="another password 2",
            password2="another password 2",
            usable_password="true",
        ),
    ),
    "admin:accounts_user_add": (
        "admin.add",
        lambda do: do.page(do.world.admin, "/admin/accounts/user/add/", **PERSON, usable_password="false"),
    ),
    "admin:accounts_user_change": (
        "admin.change",
        lambda do: do.page(
            do.world.admin, f"/admin/accounts/user/{do.world.author.pk}/change/", **PERSON, is_active="on"
        ),
    ),
    "admin:pods_pod_add": (
        "admin.add",
        lambda do: do.page(do.world.admin, "/admin/pods/pod/add/", name="New", slug="new", active="on", **MEMBERS),
    ),
    "admin:pods_pod_change": (
        "pod.members_change",
        lambda do: do.page(
            do.world.admin, f"/admin/pods/pod/{do.world.pod.pk}/change/", name="Payments", active="on", **MEMBERS
        ),
    ),
    "admin:pods_target_examine": (
        "target.examine",
        lambda do: do.page(do.world.admin, f"/admin/pods/target/{do.world.target.pk}/examine/"),
    ),
    "admin:pods_target_add": (
        "admin.add",
        lambda do: do.page(
            do.world.admin,
            "/admin/pods/target/add/",
            **{**TARGET, "pod": do.world.pod.pk, "name": "New", "slug": "new"},
        ),
    ),
    "admin:pods_target_change": (
        "admin.change",
        lambda do: do.page(do.world.admin, f"/admin/pods/target/{do.world.target.pk}/change/", **TARGET),
    ),
    "admin:pods_target_delete": (
        "admin.delete",
        lambda do: do.page(do.world.admin, f"/admin/pods/target/{do.world.target.pk}/delete/", post="yes"),
    ),
    "accounts:login": ("user.sign_in", lambda do: (do.password(), Client().post("/accounts/login/", SIGN_IN))),
    "accounts:logout": ("user.sign_out", lambda do: do.page(do.world.author, "/accounts/logout/")),
    "accounts:profile": (
        "user.profile_change",
        lambda do: do.page(do.world.author, "/accounts/profile/", first_name="Ada", theme="dark"),
    ),
    "accounts:password": (
        "user.profile_change",
        lambda do: do.page(
            do.password(),
            "/accounts/password/",
            old_password=SIGN_IN["password"],
            new_password1="another password 2",
            new_password2="another password 2",
        ),
    ),
    "absence": ("user.away", lambda do: do.page(do.world.reviewer, "/accounts/absence/", **away())),
    "absence_end": ("user.back", back),
    "audit:verify": ("audit.verify", lambda do: do.page(do.world.auditor, "/audit/verify/")),
    "review_stale": (
        "query.reject",
        lambda do: do.page(do.world.reviewer, "/review/stale/", chosen=str(do.waiting().public_id), reason="Old."),
    ),
    "view_save": ("view.save", lambda do: do.view()),
    "view_move": ("view.move", _second_moved),
    "view_remove": ("view.remove", lambda do: do.page(do.world.reviewer, f"/views/{do.view().pk}/remove/")),
    "queries:new": ("query.submit", lambda do: do.page(do.world.author, "/queries/new/", **BODY)),
    "queries:approve": ("query.approve", page("approve", "reviewer")),
    "queries:rehearse": ("query.rehearse", page("rehearse", "reviewer", Doing.write)),
    "queries:undo": ("query.undo", page("undo", "author", executed_write)),
    "queries:reject": ("query.reject", page("reject", "reviewer", comment="No.")),
    "queries:comment": ("query.comment", page("comment", "reviewer", text="Why?")),
    "queries:withdraw": ("query.withdraw", page("withdraw", "author")),
    "queries:cancel": ("query.cancel", page("cancel", "author", Doing.executing)),
}
NAMED = {
    "pod": "payments",
    "name": "Item by id",
    "language": "sql",
    "access": "read",
    "statement": "SELECT name FROM items WHERE id = :id",
    "targets": ["orders"],
    "parameters": [{"name": "id", "type": "integer"}],
}


def of_template(verb: str, who: str, sent: Callable[[Template], dict[str, Any]], *, api: bool = False) -> Act:
    """A verb of a template's page, or of the API."""

    def act(do: Doing) -> None:
        template = kept(do.world)
        if verb == "withdraw":
            granted(do.world, template)
        person, path = getattr(do.world, who), f"templates/{template.public_id}/{verb}/"
        (do.call if api else do.page)(person, path if api else f"/{path}", **sent(template))

    return act


def digest(template: Template) -> dict[str, Any]:
    return {"digest": template.now.digest}


ACTS |= {
    "template_new": ("template.create", lambda do: do.page(do.world.author, "/templates/new/", **form())),
    "template_change": (
        "template.change",
        of_template("change", "author", lambda one: form(digest=one.now.digest, description="Names.")),
    ),
    "template_ask": (
        "template.use",
        of_template(
            "ask",
            "author",
            lambda one: {
                **VALUE,
                **digest(one),
                "target": "orders",
                "reason": "to look",
                "named-0-value": "2",
            },
        ),
    ),
    "template_grant": ("template.grant", of_template("grant", "reviewer", terms)),
    "template_withdraw": ("template.withdraw", of_template("withdraw", "reviewer", lambda _: {"target": "orders"})),
    "template_retire": ("template.retire", of_template("retire", "author", digest)),
    "api:templates": ("template.create", lambda do: do.call(do.world.author, "templates/", **NAMED)),
    "api:template_change": (
        "template.change",
        of_template(
            "change",
            "author",
            lambda one: (
                {name: value for name, value in NAMED.items() if name != "pod"}
                | {**digest(one), "description": "Names."}
            ),
            api=True,
        ),
    ),
    "api:template_ask": (
        "template.use",
        of_template(
            "ask",
            "author",
            lambda one: {**digest(one), "target": "orders", "values": {"id": 2}, "reason": "to look"},
            api=True,
        ),
    ),
    "api:template_grant": (
        "template.grant",
        of_template(
            "grant",
            "reviewer",
            lambda one: {
                **digest(one),
                "target": "orders",
                "until": terms(one)["until"],
                "runs_a_day": 2,
                "runs_a_person": 1,
                "people": None,
            },
            api=True,
        ),
    ),
    "api:template_withdraw": (
        "template.withdraw",
        of_template("withdraw", "reviewer", lambda _: {"target": "orders"}, api=True),
    ),
    "api:template_retire": ("template.retire", of_template("retire", "author", digest, api=True)),
}

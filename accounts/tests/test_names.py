"""A name is readable, and nobody's but its bearer's where they act."""

# ruff: noqa: RUF001 -- letters that look alike are what is tested

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import Role, User
from accounts.names import alike, clean_name
from portal.tests.people import make_user


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Mara   Klein ", "Mara Klein"),
        ("Jose\u0301", "José"),
        ("O'Brien-Smith, Jr.", "O'Brien-Smith, Jr."),
        ("Сара", "Сара"),
        ("हिन्दी", "हिन्दी"),
        ("李小龍", "李小龍"),
        ("", ""),
    ],
)
def test_name_01_name_has_one_form(typed: str, name: str) -> None:
    assert clean_name(typed) == name


@pytest.mark.parametrize(
    "typed",
    [
        "Mara\u200bKlein",
        "Mara\u202eKlein",
        "Mara\u00a0Klein",
        "Mara\nKlein",
        "Mara\x07",
        "Mara\U000e0041",
        "Mara\ue000",
        "Z" + "\u0335" * 20,
        "\u3164",
        "Mara (manager)",
        "Mara ✓",
        "@mara",
        "<b>Mara</b>",
        "---",
        "x" * 61,
    ],
)
def test_name_01_name_that_deceives_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        clean_name(typed)


@pytest.mark.parametrize(
    "other",
    [
        "mara klein",
        "MARA KLEIN",
        "Klein Mara",
        "Klein, Mara",
        "Mara-Klein",
        "MaraKlein",
        "Mara  Klein",
        "Márä Klein",
        "Маrа Klein",
        "Mаrа Кlеin",
        "Ｍara Klein",
        "𝐌𝐚𝐫𝐚 𝐊𝐥𝐞𝐢𝐧",
        "Mara K1ein",
        "Mara Kiein",
        "Rnara Klein",
        "Mara Кӏеіn",
    ],
)
def test_name_01_names_that_look_alike_are_one(other: str) -> None:
    assert alike("Mara Klein", other)


@pytest.mark.parametrize("other", ["Mara Kleid", "Maria Klein", "Mara", "Mara B. Klein", "Мария", ""])
def test_names_that_differ_are_two(other: str) -> None:
    assert not alike("Mara Klein", other)


def test_marks_that_are_letters_tell_names_apart() -> None:
    assert not alike("राम", "रोम")


@pytest.fixture
def mara(pod: Any, reviewer: User) -> User:
    """A manager of the pod whom everybody knows."""
    reviewer.first_name, reviewer.last_name = "Mara", "Klein"
    reviewer.save()
    return reviewer


def post(user: User, **fields: str) -> Any:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.post("/accounts/profile/", {"first_name": "", "last_name": "", "theme": "system", **fields})


@pytest.mark.parametrize(
    "names",
    [
        {"first_name": "Mara", "last_name": "Klein"},
        {"first_name": "Mara Klein"},
        {"last_name": "mara  klein"},
        {"first_name": "Mаrа", "last_name": "Klein"},
        {"first_name": "reviewer"},
        {"first_name": "Query", "last_name": "Portal"},
        {"first_name": "Mara\u200b", "last_name": "Klein"},
    ],
)
def test_name_01_nobody_takes_the_name_of_another_of_the_pod(
    pod: Any, author: User, mara: User, names: dict[str, str]
) -> None:
    assert post(author, **names).status_code == 400
    author.refresh_from_db()
    assert author.name == ""


def test_profile_keeps_a_name_in_one_form(pod: Any, author: User) -> None:
    assert post(author, first_name=" Ada ", last_name="Love\u0301lace").status_code == 302
    author.refresh_from_db()
    assert author.label == "Ada Lovélace (author)"
    assert post(author, first_name="Ada", last_name="Lovélace", theme="dark").status_code == 302


def test_people_of_other_pods_may_share_a_name(pod: Any, mara: User) -> None:
    stranger = make_user("stranger", Role.DEVELOPER)
    assert post(stranger, first_name="Mara", last_name="Klein").status_code == 302


def test_names_of_those_who_act_everywhere_are_theirs(pod: Any, author: User) -> None:
    make_user("chief", Role.ADMIN, first_name="Alma", last_name="Boss")
    assert post(author, first_name="Alma", last_name="Boss").status_code == 400


def test_name_01_admin_form_refuses_it_too(pod: Any, author: User, mara: User) -> None:
    admin = make_user("admin", Role.ADMIN)
    client = Client()
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    sent = {"username": "author", "first_name": "Mara", "last_name": "Klein", "role": "DEVELOPER", "theme": "system"}
    body = client.post(f"/admin/accounts/user/{author.pk}/change/", sent).content.decode()
    assert "looks like it" in body
    author.refresh_from_db()
    assert author.name == ""


@pytest.mark.parametrize("username", ["rеviewer", "Reviewer", "rev1ewer", "Mara.Klein"])
def test_admin_cannot_add_a_user_name_that_passes_for_another(pod: Any, mara: User, username: str) -> None:
    client = Client()
    client.force_login(make_user("admin", Role.ADMIN), backend="django.contrib.auth.backends.ModelBackend")
    password = "a long and good one"
    sent = {"username": username, "password1": password, "password2": password, "usable_password": "true"}
    response = client.post("/admin/accounts/user/add/", {**sent, "role": "DEVELOPER"})
    assert response.status_code == 200
    assert not User.objects.filter(username=username).exists()


def test_two_of_one_name_do_not_come_together_in_a_pod(pod: Any, mara: User) -> None:
    stranger = make_user("stranger", Role.DEVELOPER, first_name="Mara", last_name="Klein")
    client = Client()
    client.force_login(make_user("admin", Role.ADMIN), backend="django.contrib.auth.backends.ModelBackend")
    sent = {"name": pod.name, "slug": pod.slug, "active": "on", "managers_of_pod": [mara.pk]}
    body = client.post(f"/admin/pods/pod/{pod.pk}/change/", {**sent, "developers_of_pod": [stranger.pk]}).content
    assert "have names that look alike" in body.decode()
    assert not pod.developers.user_set.filter(pk=stranger.pk).exists()

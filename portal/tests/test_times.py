"""One switch for the times of every page: the person's own zone, or UTC."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from accounts.models import User
from pods.models import Target
from portal.tests.people import Submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, author: User) -> Client:
    author.time_zone = "Asia/Kolkata"
    author.save()
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_switch_stands_on_a_page_and_leads_back_to_it(signed_in: Client, submitted: Submit) -> None:
    page = f"/queries/{submitted().public_id}/"
    shown = signed_in.get(page).content.decode()
    assert " IST" in shown
    assert f'name="next" value="{page}"' in " ".join(shown.split())
    assert signed_in.post("/accounts/zone/", {"utc": "yes", "next": page})["Location"] == page
    shown = signed_in.get(page).content.decode()
    assert " IST" not in shown
    assert "Show Asia/Kolkata" in shown
    assert signed_in.post("/accounts/zone/", {"utc": "no", "next": "https://elsewhere.example/"})["Location"] == "/"
    assert " IST" in signed_in.get(page).content.decode()


def test_who_is_in_utc_has_nothing_to_switch(client: Client, author: User) -> None:
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    shown = client.get("/queries/").content.decode()
    assert "Times are in UTC" in shown
    assert 'action="/accounts/zone/"' not in shown


def test_completion_is_switched_off_in_the_profile(signed_in: Client, author: User, target: Target) -> None:
    assert "data-silent" not in signed_in.get("/queries/new/").content.decode()
    author.no_completion = True
    author.save()
    assert "data-silent" in signed_in.get("/queries/new/").content.decode()
    assert 'name="no_completion"' in signed_in.get("/accounts/profile/").content.decode()


def test_list_tells_what_came_since(signed_in: Client, submitted: Submit) -> None:
    since = dt.datetime.now(dt.UTC).isoformat()
    assert " new" not in signed_in.get("/queries/news/", {"since": since}).content.decode()
    submitted()
    told = signed_in.get("/queries/news/", {"since": since, "target": "orders"}).content.decode()
    assert "1 new" in told
    assert 'href="/queries/?target=orders"' in told
    assert " new" not in signed_in.get("/queries/news/", {"since": since, "q": "nowhere"}).content.decode()
    assert " new" not in signed_in.get("/queries/news/", {"since": "long ago"}).content.decode()

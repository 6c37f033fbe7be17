"""Clients that are signed in as somebody."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User

SignedIn = Callable[[User], Client]


@pytest.fixture
def client_of() -> SignedIn:
    """A client with a session of the person, in whichever database the test has."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in

"""Which URLs a client is made for."""

from __future__ import annotations

import pytest

from executors.base import Access, EngineKind, Target, Unreachable
from executors.mongodb.clients import Clients


@pytest.mark.parametrize("url", ["c2VjcmV0/a2V5", "a-secret", "postgresql://me:a-secret@host/db", " mongodb://host/db"])
def test_text_that_is_no_mongodb_url_is_never_looked_up_as_a_host(url: str) -> None:
    with pytest.raises(Unreachable) as caught:
        Clients().connected(Target("orders", EngineKind.MONGODB, Access.READ, url))
    assert "The URL of the target orders cannot be used" in caught.value.public_message
    assert url not in caught.value.public_message

"""Every flaw has its words; a target's report says what is wrong between its logins as well, and its page shows it."""

from __future__ import annotations

import pytest

from executors.base import Examined, FlawCode
from executors.base.flaws import flaw
from pods.flaws import WORDS, said

EXAMINED = Examined("shop_ro", "shop", "1")
TOLD = ("reason", "roles", "day", "grantee", "creator", "schema", "setting", "scope")


def test_every_flaw_has_words() -> None:
    assert set(WORDS) == set(FlawCode)
    assert list(FlawCode) == sorted(FlawCode, key=lambda code: code.name)


@pytest.mark.parametrize("code", FlawCode)
def test_its_words_say_what_is_wrong_and_how_to_mend_it(code: FlawCode) -> None:
    values = {name: f"<{name}>" for name in TOLD}
    words = said(flaw(code, ["a", "b", "c", "d", "e"], **values), EXAMINED, 24)
    assert words.said.endswith((".", "<reason>"))
    assert words.mend
    assert "{" not in words.said + words.mend
    assert ("{names}" not in WORDS[code].said) or "a, b, c and 2 more" in words.said


def test_what_the_server_says_is_not_read_as_words() -> None:
    words = said(flaw(FlawCode.OWNS_TABLES, ['public."{login}"']), EXAMINED, 24)
    assert 'owns public."{login}"' in words.said

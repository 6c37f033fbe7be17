"""What a name, a table or a text says of itself is never taken for what it is."""

from __future__ import annotations

import re

import pytest

from accounts.models import User
from queries import services
from queries.models import QueryRequest
from queries.notices.blocks import blocks, fallback
from queries.notices.wording import said
from queries.presentation.timeline import timeline
from queries.tests.views.conftest import SignedIn
from queries.tests.world import TargetDatabase, World

PERSON = re.compile(r'<span class="person"><bdi>Rita Reviewer</bdi> <bdi class="person__user">author</bdi></span>')


@pytest.fixture
def disguised(world: World) -> World:
    """The author, under the name that people know the reviewer by, as it was possible once."""
    world.author.first_name, world.author.last_name = "Rita", "Reviewer"
    world.author.save()
    return world


def shown(body: str) -> int:
    """How often the name is on a page; never without the user name."""
    named = len(PERSON.findall(body))
    assert body.count("Rita Reviewer") - body.count("Rita Reviewer (author)") == named
    return named


@pytest.mark.parametrize(
    "address", ["/", "/review/", "/review/?view=pods", "/queries/?author=anyone", "/pods/payments/", "{page}"]
)
def test_name_01_name_is_never_without_its_user_name(disguised: World, client_of: SignedIn, address: str) -> None:
    query = disguised.submitted()
    page = address.format(page=f"/queries/{query.public_id}/")
    assert shown(client_of(disguised.reviewer).get(page).content.decode())


def test_name_01_reviewers_are_named_so_too(disguised: World, client_of: SignedIn) -> None:
    User.objects.filter(pk=disguised.reviewer.pk).update(first_name="Rita", last_name="Reviewer")
    query = disguised.executed()
    for address in ("", "result/"):
        body = client_of(disguised.author).get(f"/queries/{query.public_id}/{address}").content.decode()
        assert '<bdi>Rita Reviewer</bdi> <bdi class="person__user">reviewer</bdi>' in body
    assert {event.who.label for event in timeline(QueryRequest.objects.get(pk=query.pk), None)} == {
        "Rita Reviewer (author)",
        "Rita Reviewer (reviewer)",
    }


def test_name_01_notices_name_the_user(disguised: World) -> None:
    query = disguised.submitted()
    words = said(query)
    assert words.asks.startswith("Rita Reviewer (author) asks to read")
    assert "Rita Reviewer (author)" in str(blocks(query, words))


def test_name_01_audit_names_the_user(disguised: World, client_of: SignedIn) -> None:
    disguised.submitted()
    body = client_of(disguised.auditor).get("/audit/").content.decode()
    assert body.count("Rita Reviewer") == body.count("Rita Reviewer (author)") > 0


def test_name_02_table_is_drawn_everywhere(world: World, client_of: SignedIn, target_database: TargetDatabase) -> None:
    with target_database.connect() as connection:
        connection.execute('CREATE TABLE "\u202estomers" (a int); GRANT SELECT ON "\u202estomers" TO PUBLIC')
    try:
        query = world.submitted('SELECT 1 FROM U&"\\202Estomers"')
    finally:
        with target_database.connect() as connection:
            connection.execute('DROP TABLE "\u202estomers"')
    body = client_of(world.reviewer).get(f"/queries/{query.public_id}/").content.decode()
    assert "\u202e" not in body
    assert body.count("&lt;U+202E&gt;</span>stomers") == 2
    assert 'title="⟨U+202E⟩stomers"' in body


def test_name_06_every_text_of_a_request_is_drawn(disguised: World, client_of: SignedIn) -> None:
    odd = "\u202e\U000e0100\ue000a" + "\u0335" * 30
    for somebody in (disguised.author, disguised.reviewer):
        User.objects.filter(pk=somebody.pk).update(first_name=f"x{odd}")
    disguised.change_target(name=f"Orders{odd}")
    disguised.pod.name = f"Payments{odd}"
    disguised.pod.save()
    query = disguised.submitted("SELECT '\u200b\ue000' AS \"a \"", reason=f"{odd}\n{odd}", ticket=odd)
    for address in ("/", "/review/", "/pods/", "/pods/payments/", "/queries/new/", f"/queries/{query.public_id}/"):
        body = client_of(disguised.reviewer).get(address).content.decode()
        # The text of an input, and what is copied, stays as it is.
        seen = re.sub(r"<textarea.*?</textarea>", "", body, flags=re.DOTALL)
        assert {hex(ord(c)) for c in seen if c in odd and c != "a"} <= {"0x335"}, address
        assert "\u0335" * 5 not in seen
    page = client_of(disguised.reviewer).get(f"/queries/{query.public_id}/").content.decode()
    title = re.search(r"<title>(.*?)</title>", page)
    assert title is not None
    assert "⟨U+202E⟩⟨U+E0100⟩⟨U+E000⟩" in title[1]


def test_name_06_parameters_show_their_blanks(world: World, client_of: SignedIn) -> None:
    query = world.submitted("SELECT $1::text, $2::text, $3::text", parameters=("paid  ", "   ", "\u3164"))
    body = client_of(world.reviewer).get(f"/queries/{query.public_id}/").content.decode()
    for words in ("2 spaces", "3 spaces", "&lt;U+3164&gt;"):
        assert f"{words}</span>" in body


def test_name_06_result_shows_its_blanks(world: World, client_of: SignedIn) -> None:
    query = world.executed("SELECT 'paid  ' AS \"n \", chr(917760) AS b, '' AS c")
    body = client_of(world.author).get(f"/queries/{query.public_id}/result/").content.decode()
    assert "2 spaces</span>" in body
    assert "1 space</span>" in body
    assert "&lt;U+E0100&gt;" in body


def test_name_06_notices_draw_in_plain_text(world: World) -> None:
    world.pod.slack_shows_statement = True
    world.pod.save()
    query = world.submitted("SELECT '\u200b'" + "\n" * 2000 + "|| 'true'", reason="pay\u202enow")
    words = said(QueryRequest.objects.get(pk=query.pk))
    assert words.title == "pay⟨U+202E⟩now"
    text = fallback(words) + str(blocks(query, words))
    assert "\u202e" not in text
    assert "⟨1,999 blank lines⟩" in text
    assert "SELECT '⟨U+200B⟩'" in text


def test_name_03_first_tab_of_a_revision_shows_what_was_pushed_out_of_sight(world: World, client_of: SignedIn) -> None:
    first = world.submitted("DELETE FROM items\nWHERE id = 1", access="write")
    draft = world.draft(first.statement + "\n" * 2001 + "OR true", access="write")
    second = services.submit(actor=world.author, draft=draft, revises=first)
    body = client_of(world.reviewer).get(f"/queries/{second.public_id}/").content.decode()
    assert "2,000 blank lines here" in body
    assert "+2,001</span>" in body
    assert "2,000 blank lines</span>" in body
    assert body.count('<td class="cl">') < 10

"""How a notice looks in Slack: Block Kit, in which nothing that a person wrote can become a link or a mention."""

from typing import TypeAlias

from queries.lifecycle import Status
from queries.models import QueryRequest
from queries.notices.wording import Said
from web.characters import marked_prose

Block: TypeAlias = dict[str, object]

# Slack takes 3,000 characters of text in a block, and 4,000 in the text of a message.
STATEMENT_SHOWN = 2500
STATEMENT_DRAWN = 20 * STATEMENT_SHOWN


def escape(text: str) -> str:
    """Slack's three control characters as entities, `&` first (docs.slack.dev: formatting message text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fallback(said: Said) -> str:
    """The message where no blocks are shown: in notifications and screen readers."""
    return escape(f"{said.headline}: {said.title}")


def blocks(query: QueryRequest, said: Said) -> list[Block]:
    """The message. A button is there only while the request waits."""
    found = [
        _text(f"*<{said.link}|{said.number}>* {escape(said.verb)}\n{escape(said.title)}"),
        _small(". ".join(escape(part) for part in (said.asks, said.decided, said.outcome) if part)),
    ]
    if query.pod.slack_shows_statement:
        found.insert(1, _statement(query.statement))
    if query.state is Status.PENDING:
        found.append(_review(said.link))
    return found


def _text(text: str) -> Block:
    return {"type": "section", "text": _markdown(text)}


def _small(text: str) -> Block:
    return {"type": "context", "elements": [_markdown(text)]}


def _markdown(text: str) -> Block:
    # Verbatim: Slack turns no bare address or name into a link of its own accord.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _statement(statement: str) -> Block:
    """The statement as preformatted rich text, which Slack does not read for markup at all."""
    # A statement may be a thousand times as long as what is shown, and what is drawn of it costs its length.
    drawn = marked_prose(statement[:STATEMENT_DRAWN])
    left = len(drawn) - STATEMENT_SHOWN + max(0, len(statement) - STATEMENT_DRAWN)
    shown = drawn if left <= 0 else f"{drawn[:STATEMENT_SHOWN]}…\n({left:,} more characters in the portal)"
    text = {"type": "text", "text": shown}
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [text]}]}


def _review(link: str) -> Block:
    # It opens the page and is called for that; approving happens there, bound to the digest that was read.
    button = {
        "type": "button",
        "action_id": "review",
        "style": "primary",
        "url": link,
        "text": {"type": "plain_text", "text": "Review"},
    }
    return {"type": "actions", "elements": [button]}

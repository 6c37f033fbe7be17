"""The small parts that every page is made of."""

import datetime as dt
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from accounts.models import Actor, User
from executors.base import Language
from pods.models import Target
from queries import bounds, risks
from queries.lifecycle import Status
from queries.models import Execution, QueryRequest, Tiding, Verdict
from queries.presentation import states, values
from queries.presentation.pages import ShownPage
from queries.results.export import formats
from queries.words import ACCESSES, LANGUAGES, name_of_code, named, told
from web import characters

register = template.Library()

NAMES_SHOWN = 100
TONES = "abcd"
# The picture in a browser's tab, by the tone of a state.
TAB_ICONS = {"note": "favicon-running.svg", "ok": "favicon-done.svg", "bad": "favicon-failed.svg"}
UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the sprite, hidden from screen readers: words stand beside it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>', css, static("icons.svg"), name
    )


@register.simple_tag
def invalid(field: BoundField) -> SafeString:
    """What an input that was refused says of itself; `components/_field_errors.html` has the words."""
    if not field.errors:
        return SafeString("")
    return format_html(' aria-invalid="true" aria-describedby="{}_error"', field.auto_id)


@register.simple_tag
def avatar(person: User, css: str = "") -> SafeString:
    """A person's initials in a colour of their own."""
    tone = TONES[zlib.crc32(person.username.encode()) % len(TONES)]
    return format_html('<span class="avatar avatar--{} {}" aria-hidden="true">{}</span>', tone, css, person.initials)


@register.simple_tag
def person(somebody: Actor) -> SafeString:
    """Somebody who acts: the name, and always the user name, which nobody can choose to be another's."""
    name = "" if somebody.is_system else getattr(somebody, "name", "")
    if not name:
        return format_html('<bdi class="person">{}</bdi>', characters.visible(_unnamed(somebody)))
    template = '<span class="person"><bdi>{}</bdi> <bdi class="person__user">{}</bdi></span>'
    return format_html(template, characters.visible(name), characters.visible(somebody.username))


@register.simple_tag
def state_pill(query: QueryRequest) -> SafeString:
    """The state in words, with its colour and icon."""
    badge = states.badge(query, approvals_given(query))
    tone = f"pill--{badge.tone}" if badge.tone else ""
    return format_html('<span class="pill {}">{}{}</span>', tone, icon(badge.icon), badge.text)


@register.filter
def told_words(tiding: Tiding) -> str:
    """What the bell says happened."""
    return told(tiding)


@register.filter
def state_name(query: QueryRequest) -> str:
    """The state in words, within a sentence."""
    text = states.badge(query).text
    return text[:1].lower() + text[1:]


@register.simple_tag
def tab_title(query: QueryRequest) -> SafeString:
    """What a browser's tab says of a request: its state comes first, so that a tab that is not looked at tells."""
    return format_html("{}: {} {}", states.badge(query, approvals_given(query)).text, query.number, marked(query.title))


@register.simple_tag
def tab_icon(query: QueryRequest) -> str:
    """The address of the picture in a browser's tab."""
    return static(TAB_ICONS.get(states.badge(query).tone, "favicon.svg"))


@register.simple_tag
def environment_tag(target: Target) -> SafeString:
    """The environment in words; production stands out."""
    css = "tag--prod" if target.environment == "production" else ""
    return format_html('<span class="tag {}">{}</span>', css, target.get_environment_display())


@register.simple_tag
def ago(moment: dt.datetime | None) -> SafeString:
    """How long ago, with the exact time on hover, in UTC and in the reader's zone."""
    if moment is None:
        return format_html("")
    seconds = (timezone.now() - moment).total_seconds()
    words = "just now" if seconds < UNITS[-1][0] else f"{in_words(seconds)} ago"
    return _time(moment, words)


@register.simple_tag
def left(moment: dt.datetime) -> SafeString:
    """How much time is left until then."""
    seconds = (moment - timezone.now()).total_seconds()
    return _time(moment, f"{_short(seconds)} left" if seconds > 0 else "expired")


@register.filter
def exact(moment: dt.datetime | None) -> str:
    """The moment to the second, in the zone of who reads it: `2026-01-31 12:00:00 CET`."""
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z") if moment else ""


@register.filter
def in_utc(moment: dt.datetime) -> str:
    """The moment in UTC, to the second."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@register.simple_tag
def moment(at: dt.datetime | None) -> SafeString:
    """A moment to the second, with UTC on hover."""
    return _time(at, exact(at)) if at else format_html("")


@register.filter
def duration(milliseconds: float | None) -> str:
    """A duration as people say it: `8.4 ms`, `1.94 s`, `2 min 5 s`."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:  # noqa: PLR2004 -- milliseconds of a second
        return f"{milliseconds:.3g} ms"
    if milliseconds < 60_000:  # noqa: PLR2004 -- milliseconds of a minute
        return f"{milliseconds / 1000:.3g} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s"


@register.filter
def thousands(number: int | None) -> str:
    """A count with separators."""
    return "" if number is None else f"{number:,}"


@register.filter
def counted(number: int | None, noun: str) -> str:
    """`1 row`, `12,400 rows`; a noun in -y, -s or -x is not asked for here."""
    return f"{number or 0:,} {noun}" + ("" if number == 1 else "s")


@register.filter
def capped(number: int) -> str:
    """A count that stopped at 100."""
    return "99+" if number > 99 else str(number)  # noqa: PLR2004 -- as many as are counted


@register.filter
def bytes_in_words(number: int) -> str:
    """`100 MB`."""
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number} bytes"


@register.filter
def visible(text: object) -> SafeString:
    """A name or a line of a person's or a database's, with nothing hidden in it."""
    return characters.visible(str(text))


@register.filter
def prose(text: object) -> SafeString:
    """A text with line breaks of its own, with nothing hidden in it."""
    return mark_safe(characters.visible_prose(str(text)).replace("\n", "<br>"))  # noqa: S308 -- escaped there


@register.filter
def marked(text: object) -> str:
    """The same as `visible` where there is no room for markup: in titles, attributes and options."""
    return characters.marked(str(text))


@register.filter
def joined(names: Iterable[object]) -> str:
    """Names as one text, the first hundred of them."""
    given = list(map(str, names))
    more = f" and {len(given) - NAMES_SHOWN:,} more" if len(given) > NAMES_SHOWN else ""
    return ", ".join(given[:NAMES_SHOWN]) + more


@register.filter
def shortened(text: str, length: int) -> str:
    """No more than `length` characters, with a mark where it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


@register.filter
def cell(text: str) -> SafeString:
    """The text of one value of a result, folded when it is long."""
    return values.cell(text)


@register.filter
def block(text: str) -> SafeString:
    """A text with line breaks of its own, folded when it is long."""
    return values.block(text)


@register.filter
def language_name(language: str) -> str:
    """The language as people call it."""
    return named(LANGUAGES, language)


@register.filter
def code_name(code: str) -> str:
    """What a request's code is called."""
    return name_of_code(code)


@register.filter
def access_name(access: str) -> str:
    """Read or write, in words."""
    return named(ACCESSES, access)


@register.filter
def approvals_given(query: QueryRequest) -> int:
    """How many have approved: counted by the list's own statement, or from the decisions, prefetched."""
    if hasattr(query, "approvals"):
        return int(query.approvals)
    return sum(decision.verdict == Verdict.APPROVE for decision in query.decisions.all())


@register.filter
def approvals_words(count: int) -> str:
    """How many must approve."""
    return "One of them must approve." if count == 1 else f"{count} of them must approve."


@register.filter
def warnings_found(query: QueryRequest) -> int:
    """How many findings a person should look at."""
    return sum(finding["severity"] != "info" for finding in query.findings)


@register.filter
def risk_words(query: QueryRequest) -> str:
    """Why to look twice at a write of a list, the first reason; else how many warnings there are."""
    found = risks.risks(query, bounds.Sight.of_row(query))
    warnings = warnings_found(query)
    return risks.WORDS[found[0]] if found else counted(warnings, "warning") if warnings else "No warnings"


@register.filter
def is_risky(query: QueryRequest) -> bool:
    """Whether a write of a list is worth a second look."""
    return bool(risks.risks(query, bounds.Sight.of_row(query)) or warnings_found(query))


@register.filter
def rows_expected(query: QueryRequest) -> str:
    """How many rows a write of a list would change, and who says so."""
    rows = bounds.counted(query, bounds.Sight.of_row(query))
    if rows is None:
        return "rows not known"
    return f"{counted(rows.rows, 'row')} {'rehearsed' if rows.origin is bounds.Origin.REHEARSAL else 'expected'}"


@register.filter
def listed(words: Sequence[str]) -> str:
    """`SELECT, UPDATE ×2`: each word once, with how often it is there."""
    return ", ".join(f"{word} ×{count}" if count > 1 else word for word, count in Counter(words).items())


@register.simple_tag
def result_formats() -> list[str]:
    """What a result can be downloaded as."""
    return formats()


@register.filter
def rows_noun(query: QueryRequest) -> str:
    """What the result of this request is counted in."""
    return "document" if query.language == Language.MONGO else "row"


@register.filter
def session_words(execution: Execution) -> list[tuple[str, str]]:
    """What held for reading text as a date, a time or an interval: labels and words."""
    return states.session_words(execution.session_settings)


@register.simple_tag
def row_mark(query: QueryRequest, mode: str) -> SafeString:
    """What stands before a request in a list: in a list of states its state, while it waits whether to look twice."""
    badge = states.badge(query)
    warned = query.state is Status.PENDING and warnings_found(query)
    name, tone = ("triangle-alert", "warn") if warned else (badge.icon, badge.tone if mode == "state" else "note")
    return format_html('<span class="item__mark is-{}">{}</span>', tone or "plain", icon(name))


@register.filter
def times(number: int) -> range:
    """Something to loop over that often."""
    return range(number)


@register.filter
def short_digest(digest: str) -> str:
    """The beginning and the end of a digest."""
    return f"{digest[:4]} {digest[4:8]} … {digest[-4:]}"


@register.filter
def at(items: Sequence[Any], index: int) -> Any:
    """The item at `index`, nothing beyond the end."""
    return items[index] if index < len(items) else None


@register.filter
def of_key(found: Mapping[Any, Any] | None, key: Any) -> Any:
    """What a mapping holds of the key, nothing where there is no mapping."""
    return found.get(key) if found else None


@register.filter
def words(text: str) -> list[str]:
    return text.split()


@register.filter
def last_row(page: ShownPage) -> int:
    """The number, from 1, of the last row of a page of a result."""
    return page.first_row + page.count


def _unnamed(somebody: Actor) -> str:
    return somebody.label if somebody.is_system else somebody.username


@register.filter(name="span_of_time")
def in_words(seconds: float) -> str:
    """`3 hours`, `1 day`: the largest unit only."""
    for size, name in UNITS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}" + ("" if count == 1 else "s")
    return "less than a minute"


def _short(seconds: float) -> str:
    minutes = int(seconds // 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def _on_hover(moment: dt.datetime) -> str:
    """UTC, and before it the reader's own time where that is another."""
    own, utc = exact(moment), in_utc(moment)
    return utc if own == utc else f"{own}, {utc}"


def _time(moment: dt.datetime, words: str) -> SafeString:
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), _on_hover(moment), words)

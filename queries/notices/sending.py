"""Sending what is due: claim, call outside of any transaction, record. Run by any number of replicas at once."""

import logging
from collections.abc import Callable

from queries.models import Medium, Notice
from queries.notices import mail, outbox, slack
from queries.notices.outbox import Claim, Failure, SlowDown
from web.mail import mail_is_on

logger = logging.getLogger(__name__)


def never() -> bool:
    """Nobody asks to stop."""
    return False


def send_due(stopping: Callable[[], bool] = never) -> int:
    """Send everything that is due now, or up to the point where `stopping()`; how many messages got through."""
    sent = 0
    for medium, is_on in ((Medium.EMAIL, mail_is_on), (Medium.SLACK, outbox.slack_is_on)):
        if is_on():
            sent += _send_medium(medium, stopping)
    return sent


def _send_medium(medium: Medium, stopping: Callable[[], bool]) -> int:
    sent = 0
    while not stopping():
        taken = outbox.claim(medium)
        if taken is None:
            break
        try:
            sent += _send(taken)
        except Failure as failure:
            _record(taken, medium, failure)
            if failure.everybody:
                break
    return sent


def _send(taken: Claim) -> bool:
    try:
        notice = outbox.opened(taken)
    except Notice.DoesNotExist:
        return False
    remark = _deliver(notice, taken)
    outbox.delivered(taken, notice, remark=remark)
    return not remark


def _deliver(notice: Notice, taken: Claim) -> str:
    try:
        if notice.medium == Medium.SLACK:
            return slack.deliver(notice, perhaps_posted=taken.perhaps_posted)
        return mail.deliver(notice)
    except Failure:
        raise
    except Exception as error:
        # A fault of ours in one message must not hold up the others; it is tried again, and given up in the end.
        logger.exception("a notice could not be written")
        raise Failure(f"Fault in the portal: {type(error).__name__}", reached=True) from error


def _record(taken: Claim, medium: Medium, failure: Failure) -> None:
    if outbox.failed(taken, failure):
        logger.error("%s notice %s is given up: %s", medium.label, taken.notice_id, failure.problem)
    elif isinstance(failure, SlowDown):
        logger.info("%s asks for a pause of %s s", medium.label, failure.after)
    elif failure.after is not None:
        logger.error("%s notice %s fails until somebody acts: %s", medium.label, taken.notice_id, failure.problem)
    else:
        logger.warning("%s notice %s is tried again later: %s", medium.label, taken.notice_id, failure.problem)
    if failure.everybody and failure.after is not None:
        outbox.postpone(medium, failure.after)

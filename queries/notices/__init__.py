"""Telling people: an outbox written in the act's own transaction, sent after it, outside of any request.

`outbox.telling` writes what should be said; `sending.send_due` says it, in Slack and by e-mail. A sender that fails,
hangs or is killed delays a message and nothing else.
"""

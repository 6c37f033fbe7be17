"""Claim, run, settle: an approved request runs once, and what is said of it afterwards is true.

1. claim: APPROVED → EXECUTING in a short transaction of its own; only one process can.
2. run: no transaction and no row lock held on the portal's own database.
3. settle: EXECUTED or FAILED, with the result and the audit entry, in one transaction.

While it runs, the process holds a session-level advisory lock on the portal's database, which dies with the process.
Whoever finds EXECUTING without the lock settles it (`settle_lost`), and never runs it again. A run whose COMMIT was
sent and of which nobody can tell yet what became stays like that on purpose: everybody who looks asks again.
"""

from queries.running.claim import release
from queries.running.freshness import seen
from queries.running.outlasting import outlasting
from queries.running.recovery import give_up, settle_all_lost, settle_all_restored, settle_due, settle_lost
from queries.running.rehearsal import Rehearsed, rehearse
from queries.running.run import run

__all__ = [
    "Rehearsed",
    "give_up",
    "outlasting",
    "rehearse",
    "release",
    "run",
    "seen",
    "settle_all_lost",
    "settle_all_restored",
    "settle_due",
    "settle_lost",
]

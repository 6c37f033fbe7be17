"""The log is kept by months (UTC), a partition for each; they are made before they come (migration 0007).

Where one is missing its entries stand in the partition of the rest until it is made: an append never fails for it.
"""

import datetime as dt

from django.db import connection

MAKE = "SELECT audit_add_months()"
# Asked as the portal's login may: of the log as a whole, and only where the rest holds anything.
NEXT = """
SELECT next, audit_has_month(next), CASE WHEN pg_relation_size(to_regclass('audit_logs_rest')) > 0
    THEN EXISTS (SELECT FROM audit_logs WHERE tableoid = to_regclass('audit_logs_rest')) ELSE false END
FROM (SELECT date_trunc('month', clock_timestamp(), 'UTC') + interval '1 month' AS next) AS month
"""


def make_due() -> int:
    """Make this month and the next two, and move into theirs what stands in the rest; how many were made."""
    with connection.cursor() as cursor:
        cursor.execute(MAKE)
        (made,) = cursor.fetchone()
    return int(made)


def alarms() -> list[str]:
    """What is wrong with the months, in sentences."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT)
        month, there, astray = cursor.fetchone()
    missing = f"The audit log has no partition for {month.astimezone(dt.UTC):%Y-%m}: maintain has to run."
    held = "Entries of the audit log stand in the partition of the rest: maintain has to run."
    return [*([] if there else [missing]), *([held] if astray else [])]

"""What the catalogue of the target tells of a statement: where it is said, how gravely, and where it is not."""

from __future__ import annotations

import pytest

from executors.base import FindingCode, Severity
from executors.tests.postgresql.findings.conftest import Told

Code = FindingCode
WARNING, INFO = Severity.WARNING, Severity.INFO

SAID: list[tuple[FindingCode, Severity, str, int, str]] = [
    (Code.NO_LIMIT, WARNING, "SELECT * FROM flights", 15, "all of flights, about 2,000 rows"),
    (Code.NO_LIMIT, WARNING, "SELECT id FROM events ORDER BY id", 16, "all of events, about 1,500 rows"),
    (
        Code.UNINDEXED_SORT,
        WARNING,
        "SELECT id FROM flights ORDER BY distance LIMIT 5",
        33,
        "All of flights, about 2,000 rows, is sorted",
    ),
    (
        Code.UNINDEXED_SORT,
        WARNING,
        "SELECT id, tailnum AS t FROM flights ORDER BY 2 LIMIT 5",
        47,
        "begins with tailnum",
    ),
    (
        Code.UNINDEXED_SORT,
        WARNING,
        "SELECT id, tailnum AS t FROM flights ORDER BY t DESC LIMIT 5",
        47,
        "begins with tailnum",
    ),
    (
        Code.NOT_IN_NULLS,
        WARNING,
        "SELECT 1 FROM airlines WHERE carrier NOT IN (SELECT carrier FROM flights)",
        38,
        "carrier of flights may be NULL",
    ),
    (
        Code.NOT_IN_NULLS,
        WARNING,
        "DELETE FROM planes WHERE tailnum <> ALL (SELECT f.tailnum FROM flights f)",
        34,
        "tailnum of flights",
    ),
    (Code.COUNT_NULLABLE, INFO, "SELECT count(delay) FROM flights", 8, "in which delay is NULL"),
    (
        Code.DATE_END,
        WARNING,
        "SELECT 1 FROM flights WHERE at BETWEEN '2013-01-01' AND '2013-01-31'",
        32,
        "2013-01-31 00:00",
    ),
    (Code.DATE_END, WARNING, "DELETE FROM events WHERE at <= '2012-12-31'::date", 29, "rest of that day is left out"),
    (
        Code.DATE_END,
        WARNING,
        "SELECT 1 FROM flights WHERE delay = 1 OR at <= DATE '2013-01-31'",
        45,
        "2013-01-31 00:00",
    ),
    (
        Code.FLOAT_EQUALS,
        WARNING,
        "SELECT 1 FROM planes WHERE weight = 0.1",
        35,
        "double precision, which holds 0.1 only nearly",
    ),
    (
        Code.CONVERTS_COLUMN,
        WARNING,
        "SELECT 1 FROM flights WHERE delay = 5.5",
        35,
        "delay is integer and is compared with numeric",
    ),
    (
        Code.CONVERTS_COLUMN,
        WARNING,
        "SELECT 1 FROM flights WHERE code = 'x'::text",
        34,
        "code is character(4) and is compared with text",
    ),
    (Code.CONVERTS_COLUMN, WARNING, "SELECT 1 FROM flights WHERE price = 5::float8", 35, "flights_price is of no use"),
    (
        Code.CONVERTS_COLUMN,
        WARNING,
        "SELECT 1 FROM flights f JOIN planes p ON f.delay = p.weight",
        50,
        "with double precision",
    ),
    (Code.CONVERTS_COLUMN, INFO, "SELECT 1 FROM bags WHERE id = 5.0", 29, "id is integer"),
    (
        Code.FUNCTION_ON_INDEX,
        WARNING,
        "SELECT 1 FROM flights WHERE delay::text = '5'",
        41,
        "on the text of delay: the index flights_delay",
    ),
    (Code.FUNCTION_ON_INDEX, WARNING, "SELECT 1 FROM flights WHERE at::date = '2013-01-01'", 38, "on the date of at"),
    (
        Code.FUNCTION_ON_INDEX,
        WARNING,
        "SELECT 1 FROM flights WHERE upper(carrier) = 'UA'",
        44,
        "on upper(…) of carrier",
    ),
    (Code.FUNCTION_ON_INDEX, WARNING, "SELECT 1 FROM flights WHERE delay + 1 > 60", 39, "on a calculation with delay"),
    (
        Code.FUNCTION_ON_INDEX,
        WARNING,
        "DELETE FROM flights WHERE date_trunc('day', at) = '2013-01-01'",
        49,
        "on date_trunc(…) of at",
    ),
    (
        Code.FUNCTION_ON_INDEX,
        WARNING,
        "UPDATE flights SET remark = 'x' WHERE coalesce(delay, 0) = 0",
        58,
        "on coalesce(…) of delay",
    ),
    (
        Code.CHANGES_KEY,
        WARNING,
        "UPDATE planes SET tailnum = 'N0' WHERE tailnum = 'N1'",
        19,
        "tailnum is the primary key of planes",
    ),
    (Code.CHANGES_PARTITION_KEY, WARNING, "UPDATE events SET at = '2014-01-01' WHERE id = 1", 19, "partitioned by at"),
    (
        Code.CHANGES_INDEXED,
        INFO,
        "UPDATE flights SET delay = 1 WHERE id = 1",
        20,
        "delay is in the index flights_delay",
    ),
    (
        Code.SEVERAL_MATCHES,
        WARNING,
        "UPDATE planes p SET seats = f.delay FROM flights f WHERE f.tailnum = p.tailnum",
        1,
        "tailnum is not unique in flights",
    ),
    (
        Code.OUTSIDE_COLUMN,
        INFO,
        "SELECT 1 FROM flights f WHERE EXISTS (SELECT FROM planes p WHERE p.tailnum = f.tailnum AND delay > 5)",
        92,
        "planes has no column delay: in this subquery it is f.delay",
    ),
    (
        Code.OUTSIDE_COLUMN,
        INFO,
        "DELETE FROM flights WHERE tailnum IN (SELECT p.tailnum FROM planes p WHERE carrier = 'UA')",
        76,
        "flights.carrier",
    ),
    (Code.PERSONAL_DATA, WARNING, "SELECT * FROM planes", 8, "owner_email of planes, marked"),
    (
        Code.PERSONAL_DATA,
        WARNING,
        "DELETE FROM planes WHERE tailnum = 'N1' RETURNING owner_email",
        51,
        "owner_email of planes, marked",
    ),
    (
        Code.PERSONAL_DATA,
        WARNING,
        "SELECT 1 AS a, 'x' AS b UNION SELECT seats, lower(p.owner_email) FROM planes p",
        51,
        "marked",
    ),
    (Code.PERSONAL_DATA, INFO, "SELECT n.contact_phone FROM notes n", 8, "contact_phone of notes may be personal data"),
    (
        Code.CARTESIAN,
        WARNING,
        "SELECT count(*) FROM flights, planes WHERE delay > 5 AND seats > 5",
        31,
        "planes to flights",
    ),
]

SILENT: list[tuple[FindingCode, str]] = [
    (Code.NO_LIMIT, "SELECT * FROM flights LIMIT 5"),
    (Code.NO_LIMIT, "SELECT count(*) FROM flights"),
    (Code.NO_LIMIT, "SELECT * FROM flights WHERE delay = 1"),
    (Code.NO_LIMIT, "SELECT * FROM planes"),
    (Code.NO_LIMIT, "SELECT * FROM notes"),  # nobody counted it
    (Code.NO_LIMIT, "WITH flights AS (SELECT 1) SELECT * FROM flights"),
    (Code.UNINDEXED_SORT, "SELECT id FROM flights ORDER BY delay LIMIT 5"),
    (Code.UNINDEXED_SORT, "SELECT id FROM flights ORDER BY id DESC"),
    (Code.UNINDEXED_SORT, "SELECT tailnum FROM planes ORDER BY seats"),
    (Code.UNINDEXED_SORT, "SELECT id, delay AS distance FROM flights ORDER BY distance"),
    (Code.NOT_IN_NULLS, "SELECT 1 FROM flights WHERE tailnum NOT IN (SELECT tailnum FROM planes)"),
    (
        Code.NOT_IN_NULLS,
        "SELECT 1 FROM airlines WHERE carrier NOT IN (SELECT carrier FROM flights WHERE carrier IS NOT NULL)",
    ),
    (
        Code.NOT_IN_NULLS,
        "SELECT 1 FROM airlines WHERE carrier NOT IN (SELECT carrier FROM flights WHERE carrier = 'UA')",
    ),
    (Code.NOT_IN_NULLS, "SELECT 1 FROM airlines WHERE carrier IN (SELECT carrier FROM flights)"),
    (Code.COUNT_NULLABLE, "SELECT count(id), count(distance), count(*) FROM flights"),
    (Code.COUNT_NULLABLE, "SELECT count(DISTINCT delay) FROM flights"),
    (Code.COUNT_NULLABLE, "SELECT count(delay) FROM flights WHERE delay > 5"),
    (Code.DATE_END, "SELECT 1 FROM flights WHERE at BETWEEN '2013-01-01' AND '2013-01-31 23:59'"),
    (Code.DATE_END, "SELECT 1 FROM flights WHERE at >= '2013-01-01' AND at < '2013-02-01'"),
    (Code.DATE_END, "SELECT 1 FROM planes WHERE built BETWEEN '2013-01-01' AND '2013-01-31'"),
    (Code.FLOAT_EQUALS, "SELECT 1 FROM planes WHERE weight = 5 OR weight > 0.1"),
    (Code.FLOAT_EQUALS, "SELECT 1 FROM flights WHERE price = 0.1"),
    (Code.CONVERTS_COLUMN, "SELECT 1 FROM flights WHERE delay = 5 OR delay = 5::bigint OR price = 5"),
    (Code.CONVERTS_COLUMN, "SELECT 1 FROM flights WHERE code = 'x' OR carrier = 'UA'::text"),
    (Code.CONVERTS_COLUMN, "SELECT 1 FROM flights WHERE distance = 5.5"),  # no index covers every row
    (Code.CONVERTS_COLUMN, "SELECT 1 FROM flights WHERE at > '2013-01-01'::date"),
    (Code.FUNCTION_ON_INDEX, "SELECT 1 FROM flights WHERE carrier::text = 'UA'"),
    (Code.FUNCTION_ON_INDEX, "SELECT 1 FROM flights WHERE lower(remark) = 'x'"),
    (Code.FUNCTION_ON_INDEX, "SELECT 1 FROM planes WHERE abs(seats) = 5"),
    (Code.FUNCTION_ON_INDEX, "SELECT lower(carrier) FROM flights WHERE carrier = lower('UA')"),
    (Code.FUNCTION_ON_INDEX, "SELECT 1 FROM flights f JOIN planes p ON lower(f.carrier) = p.model"),
    (Code.CHANGES_KEY, "UPDATE planes SET seats = 1 WHERE tailnum = 'N1'"),
    (Code.CHANGES_KEY, "INSERT INTO planes (tailnum) VALUES ('N0')"),
    (Code.CHANGES_PARTITION_KEY, "UPDATE events SET kind = 'y' WHERE at < '2013-01-01'"),
    (Code.CHANGES_INDEXED, "UPDATE flights SET tailnum = 'N2' WHERE delay = 1"),
    (Code.SEVERAL_MATCHES, "UPDATE flights f SET remark = p.model FROM planes p WHERE p.tailnum = f.tailnum"),
    (Code.SEVERAL_MATCHES, "UPDATE planes p SET seats = 1 FROM flights f WHERE f.tailnum = p.tailnum"),
    (
        Code.OUTSIDE_COLUMN,
        "SELECT 1 FROM flights f WHERE EXISTS (SELECT FROM planes p WHERE p.tailnum = f.tailnum AND seats > 5)",
    ),
    (
        Code.OUTSIDE_COLUMN,
        "SELECT 1 FROM flights WHERE EXISTS (SELECT FROM planes p WHERE p.tailnum = flights.tailnum)",
    ),
    (Code.PERSONAL_DATA, "SELECT seats FROM planes WHERE owner_email = 'x'"),
    (Code.PERSONAL_DATA, "SELECT 1 FROM flights WHERE EXISTS (SELECT * FROM planes)"),
    (Code.PERSONAL_DATA, "UPDATE planes SET owner_email = NULL WHERE tailnum = 'N1'"),
    (Code.PERSONAL_DATA, "SELECT a.name FROM airlines a"),
    (Code.CARTESIAN, "SELECT 1 FROM flights, planes p WHERE delay = seats"),
]


@pytest.mark.parametrize(("code", "severity", "text", "column", "message"), SAID)
def test_catalogue_tells(
    told: Told, code: FindingCode, severity: Severity, text: str, column: int, message: str
) -> None:
    (finding,) = {finding for finding in told(text) if finding.code is code}
    assert (finding.severity, finding.line, finding.column) == (severity, 1, column)
    assert message in finding.message


@pytest.mark.parametrize(("code", "text"), SILENT)
def test_catalogue_does_not_tell(told: Told, code: FindingCode, text: str) -> None:
    assert [finding for finding in told(text) if finding.code is code] == []


def test_marked_personal_column_is_known_with_its_schema_or_without(told: Told) -> None:
    (finding,) = [found for found in told("SELECT owner_email FROM air.planes") if found.code is Code.PERSONAL_DATA]
    assert finding.severity is WARNING

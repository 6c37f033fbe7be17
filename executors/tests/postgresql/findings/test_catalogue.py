"""What the catalogue is found to say of tables, in one round trip."""

from __future__ import annotations

from executors.postgresql.findings import catalogue
from executors.postgresql.findings.catalogue import Depth
from executors.postgresql.findings.known import Dependent, Kind, Table
from executors.postgresql.reading.scopes import Relation
from executors.postgresql.wire import Wire
from executors.tests.postgresql.findings.conftest import airport, connection

FLIGHTS = Relation("", "flights")


def one(wire: Wire, name: str, depth: Depth = Depth.SCHEMA) -> Table:
    return catalogue.ask(wire, [Relation("air", name)], depth)[Relation("air", name)]


def test_table_is_found_by_the_name_in_the_statement(wire: Wire) -> None:
    found = catalogue.ask(wire, [FLIGHTS, Relation("", "nowhere"), Relation("", "pg_class")], Depth.READ)
    assert list(found) == [FLIGHTS]
    assert str(found[FLIGHTS]) == "air.flights"


def test_size_is_the_servers_estimate(wire: Wire) -> None:
    assert one(wire, "flights").rows == 2000
    assert one(wire, "flights").bytes > 8192
    assert one(wire, "events").rows == 1500  # of its partitions
    assert one(wire, "notes").rows is None  # never counted


def test_columns_are_told_with_type_and_nullability(wire: Wire) -> None:
    columns = one(wire, "flights").columns
    assert list(columns)[:3] == ["id", "carrier", "tailnum"]
    assert (columns["id"].identity, columns["id"].not_null, columns["id"].base) == (True, True, "int8")
    assert (columns["late"].generated, columns["late"].not_null) == (True, False)
    assert columns["carrier"].type == "character varying(3)"


def test_indexes_are_told_with_their_expressions(wire: Wire) -> None:
    indexes = {index.name: index for index in one(wire, "flights").indexes}
    assert indexes["flights_pkey"].primary
    assert indexes["flights_remark"].columns == ("", "remark")
    assert indexes["flights_remark"].expressions == "lower(remark)"
    assert indexes["flights_far"].predicate == "(distance > 1000)"


def test_triggers_are_told_with_their_events(wire: Wire) -> None:
    emptied, log = one(wire, "flights").triggers
    assert (emptied.name, set(emptied.events), emptied.each_row) == ("flights_emptied", {"TRUNCATE"}, False)
    assert log.events == {"INSERT", "UPDATE", "DELETE"}
    assert (log.function, log.columns, log.before) == ("log", ("delay", "price"), False)


def test_foreign_keys_are_told_in_both_directions_and_through_cascades(wire: Wire) -> None:
    planes = one(wire, "planes", Depth.WRITE)
    assert [(key.table, key.columns, key.on_delete, key.indexed) for key in planes.referenced_by] == [
        ("flights", ("tailnum",), "CASCADE", False),
        ("bags", ("flight_id",), "SET NULL", True),
        ("notes", ("flight_id",), "CASCADE", False),
    ]
    assert {key.referenced for key in one(wire, "flights").references} == {"airlines", "planes"}
    assert planes.references == ()


def test_views_are_told_with_the_columns_they_use(wire: Wire) -> None:
    busy, late = one(wire, "flights").views
    assert busy == Dependent("busy", materialized=True, columns=("carrier",))
    assert set(late.columns) == {"id", "carrier", "delay", "late"}


def test_partitioned_table_is_told_with_its_key(wire: Wire) -> None:
    assert (one(wire, "events").kind, one(wire, "events").partition_key) == (Kind.PARTITIONED, ("at",))
    assert one(wire, "events_old").is_partition


def test_name_that_needs_quotes_is_asked_for_as_it_is(wire: Wire) -> None:
    assert catalogue.ask(wire, [Relation("", 'O\'Hare "x"\\')], Depth.READ) == {}


def test_older_server_is_asked_alike(older_postgres_url: str, wire: Wire) -> None:
    names = ["flights", "planes", "events", "gates", "bags"]
    with airport(older_postgres_url) as target, connection(target) as older:
        for name in names:
            assert one(older, name) == one(wire, name)


def test_triggers_of_partitions_rules_and_policies_are_told(wire: Wire) -> None:
    events, gates = one(wire, "events", Depth.WRITE), one(wire, "gates", Depth.WRITE)
    assert [(trigger.name, trigger.partition) for trigger in events.triggers] == [("keep_old", "events_old")]
    assert [(rule.name, rule.event, rule.instead) for rule in gates.rules] == [("keep", "DELETE", True)]
    assert one(wire, "bags").row_security
    assert not gates.row_security

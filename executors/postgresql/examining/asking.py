"""Asks every question of one login, on a connection as its runs have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from psycopg.pq.abc import PGresult

from executors.base import Access, Examined, ExecutionError, Flaw, FlawCode
from executors.base.flaws import flaw
from executors.postgresql.dependencies import text_array
from executors.postgresql.examining import rights, roles, server
from executors.postgresql.examining.looks import Look
from executors.postgresql.options import ConnectionKey
from executors.postgresql.wire import Wire

# Nothing of the database stands before the catalogue from here on.
_PINNED = b"SET search_path = pg_catalog, pg_temp"
_PATH = b"SELECT pg_catalog.set_config('portal.path', $1, false)"
_LOGIN = b"SELECT session_user, current_database()"
_SERVER = b"SELECT system_identifier FROM pg_control_system()"
_LOOKS = (*roles.LOOKS, *rights.LOOKS, *server.LOOKS)


def examine(wire: Wire, key: ConnectionKey) -> Examined:
    """Everything that is wrong with the login of `key`, whose new connection `wire` is. Raises `ExecutionError`."""
    settings = server.settings(wire)
    wire.simple(_PINNED)
    wire.ask(_PATH, [text_array(key.target.search_path or ("public",))])
    login, database = _texts(wire.simple(_LOGIN), 0)
    found = [*server.connection(wire), *_found(wire, key.target.access, settings, key)]
    return Examined(login, database, _identity(wire), tuple(found))


def _found(wire: Wire, access: Access, settings: Mapping[str, str], key: ConnectionKey) -> Iterator[Flaw]:
    yield from server.differing(settings, key)
    superuser = _look(wire, roles.SUPERUSER)
    if superuser is not None:
        # Every other right is its own: there is one thing to mend.
        yield superuser
        return
    for one in (one for one in _LOOKS if access in one.accesses):
        found = _look(wire, one)
        if found is not None:
            yield found


def _look(wire: Wire, one: Look) -> Flaw | None:
    try:
        result = wire.simple(one.sql.encode())
    except ExecutionError as error:
        if wire.broken:
            raise
        return flaw(FlawCode.NOT_LOOKED_AT, [one.code.value.replace("_", " ")], reason=error.public_message)
    if not result.ntuples:
        return None
    first, *further = ((result.fname(column) or b"").decode() for column in range(result.nfields))
    values = dict(zip([first, *further], _texts(result, 0), strict=True))
    names = [_texts(result, row)[0] for row in range(result.ntuples)]
    return flaw(one.code, names, **{name: values[name] for name in further})


def _texts(result: PGresult, row: int) -> list[str]:
    return [(result.get_value(row, column) or b"").decode() for column in range(result.nfields)]


def _identity(wire: Wire) -> str:
    """What tells the server from another; "" where the login may not ask."""
    try:
        return _texts(wire.simple(_SERVER), 0)[0]
    except ExecutionError:
        if wire.broken:
            raise
        return ""

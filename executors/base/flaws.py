"""What may be wrong with a target's login or its server, as its engine finds it. The words are the portal's."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FlawCode(StrEnum):
    """What was found. In alphabetical order."""

    ADVANCES_SEQUENCES = "advances_sequences"
    BYPASSES_ROW_SECURITY = "bypasses_row_security"
    CLUSTER_RIGHTS = "cluster_rights"
    CREATES_DATABASES = "creates_databases"
    CREATES_IN_SCHEMA = "creates_in_schema"
    CREATES_ROLES = "creates_roles"
    CREATES_SCHEMAS = "creates_schemas"
    DANGEROUS_SETTING = "dangerous_setting"
    DBLINK = "dblink"
    DEFAULT_PRIVILEGES_MISSING = "default_privileges_missing"
    DEFAULT_PRIVILEGES_WRITE = "default_privileges_write"
    EMPTY_DATABASE = "empty_database"
    EXPIRES = "expires"
    FOREIGN_SERVERS = "foreign_servers"
    MEMBER = "member"
    NOTHING_READABLE = "nothing_readable"
    NOTHING_WRITABLE = "nothing_writable"
    NOT_LOOKED_AT = "not_looked_at"
    NOT_OWNER = "not_owner"
    NO_AUTHENTICATION = "no_authentication"
    NO_CONNECTION_CHECK = "no_connection_check"
    NO_CONNECTION_LIMIT = "no_connection_limit"
    NO_TEMP_LIMIT = "no_temp_limit"
    NO_TRANSACTIONS = "no_transactions"
    OPEN_SERVER = "open_server"
    OTHER_DATABASES = "other_databases"
    OWNS_DATABASE = "owns_database"
    OWNS_FUNCTIONS = "owns_functions"
    OWNS_SCHEMA = "owns_schema"
    OWNS_TABLES = "owns_tables"
    OWN_SETTING = "own_setting"
    PREDEFINED_ROLE = "predefined_role"
    PUBLIC_CREATE = "public_create"
    REPLICATION = "replication"
    ROLE_SWITCHED = "role_switched"
    SCHEMA_MISSING = "schema_missing"
    SCHEMA_UNUSABLE = "schema_unusable"
    SECURITY_DEFINER = "security_definer"
    SERVER_FILES = "server_files"
    SETTING_DIFFERS = "setting_differs"
    STANDBY = "standby"
    STRONG_ROLE = "strong_role"
    SUPERUSER = "superuser"
    SYSTEM_DATABASE = "system_database"
    TEMPORARY_TABLES = "temporary_tables"
    UNACKNOWLEDGED = "unacknowledged"
    UNENCRYPTED = "unencrypted"
    UNREADABLE_WRITES = "unreadable_writes"
    UNSUPPORTED_RELEASE = "unsupported_release"
    UNTRACKED_COMMITS = "untracked_commits"
    UNVERIFIED_SERVER = "unverified_server"
    WIDER_ROLE = "wider_role"
    WRITES = "writes"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that was found. `names` are what it was found of, as the server writes them; at most `MOST_NAMES`.

    `more` is how many of them are left out; `values` are what the words of its code speak of besides.
    """

    code: FlawCode
    names: tuple[str, ...] = ()
    more: int = 0
    values: Mapping[str, str] = field(default_factory=dict)


MOST_NAMES = 3


def is_local(host: str) -> bool:
    """Whether nothing leaves the machine: a socket of the file system, or its own name or address."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def flaw(code: FlawCode, names: list[str], **values: str) -> Flaw:
    """A flaw of all of these names."""
    return Flaw(code, tuple(names[:MOST_NAMES]), max(0, len(names) - MOST_NAMES), values)


@dataclass(frozen=True, slots=True)
class Examined:
    """One login as its server knows it. Two logins of one `server` and `database` reach the same data.

    `server` tells one from another and is "" where that could not be asked.
    """

    login: str
    database: str
    server: str
    flaws: tuple[Flaw, ...] = ()

"""Which of the server's own functions a statement may call, and how `functions.py` is made.

A read may call what PostgreSQL marks immutable or stable, less the few that run SQL given as text, plus the volatile
ones below that change nothing. Every other name is refused. After a new PostgreSQL release, on a plain new server:

    python -m executors.postgresql.reading.function_policy postgresql://… > executors/postgresql/reading/functions.py

The names of older releases are kept. A live-server test fails when the data and the server disagree.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

NAMES_QUERY = """
SELECT proname, bool_or(provolatile = 'v') FROM pg_catalog.pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND prorettype <> 'trigger'::regtype
GROUP BY proname ORDER BY proname
"""

# Volatile only because the answer differs from call to call, or because it reads shared state.
SAFE_VOLATILE = frozenset(
    """
    array_sample array_shuffle clock_timestamp current_query currval gen_random_uuid lastval pg_blocking_pids
    pg_collation_actual_version pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn
    pg_database_collation_actual_version pg_database_size pg_get_sequence_data pg_get_wait_events pg_indexes_size
    pg_is_in_recovery pg_is_wal_replay_paused pg_jit_available pg_last_committed_xact pg_last_wal_receive_lsn
    pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_lock_status pg_notification_queue_usage
    pg_partition_ancestors pg_partition_tree pg_prepared_xact pg_relation_size pg_safe_snapshot_blocking_pids
    pg_sequence_last_value pg_sleep pg_sleep_for pg_sleep_until pg_stat_have_stats pg_table_size pg_tablespace_size
    pg_total_relation_size pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_xact_status random
    random_normal timeofday timezone txid_status uuidv4 uuidv7
    """.split()
)
_SAFE_STATISTICS = re.compile(r"pg_stat_get_\w+")

# Not volatile by the catalogue, yet they run SQL handed over as text, or read what they are named.
_RUNS_TEXT = re.compile(r"(query|table|schema|database|cursor)_to_xml(schema|_and_xmlschema)?|ts_stat")

# Refused by name wherever they live: extensions that open connections or files, or run text as SQL; older releases.
KNOWN_ELSEWHERE = frozenset(
    """
    connectby crosstab crosstab2 crosstab3 crosstab4 crosstabn dblink dblink_build_sql_delete dblink_build_sql_insert
    dblink_build_sql_update dblink_cancel_query dblink_close dblink_connect dblink_connect_u dblink_exec dblink_fetch
    dblink_get_result dblink_open dblink_send_query xpath_table pg_file_read pg_file_rename pg_file_sync
    pg_file_unlink pg_file_write pg_logdir_ls pg_start_backup pg_stop_backup pg_switch_xlog pg_xlog_replay_pause
    pg_xlog_replay_resume lo_manage pg_create_physical_replication_slot pg_execute_server_program pg_read_file_all
    pg_stat_statements_reset pg_prewarm autoprewarm_start_worker pg_truncate_visibility_map heap_force_kill
    heap_force_freeze pg_buffercache_evict pg_buffercache_evict_all pg_buffercache_evict_relation
    postgres_fdw_disconnect postgres_fdw_disconnect_all
    """.split()
)

# Methods of TABLESAMPLE, which take no value: `t.system` is a column.
ROWS_ONLY = frozenset({"bernoulli", "system"})

# What a write may call besides: it changes rows or sequences, or ends with the transaction.
WRITE_MAY_CALL = frozenset(
    """
    nextval setval pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock
    pg_try_advisory_xact_lock_shared
    """.split()
)


def refused(name: str, *, volatile: bool) -> bool:
    """Whether a read may not call the function of pg_catalog called `name`."""
    if _RUNS_TEXT.fullmatch(name):
        return True
    return volatile and name != "ts_rewrite" and name not in SAFE_VOLATILE and not _SAFE_STATISTICS.fullmatch(name)


def source(names: Iterable[str]) -> str:
    """The text of `functions.py` for the refused names."""
    listed = "\n".join(f"    {name}" for name in sorted(names))
    return f'''"""Functions that a read may not call. Written by `executors.postgresql.reading.function_policy`."""

REFUSED = frozenset(
    """
{listed}
    """.split()
)
'''


def main(url: str) -> None:
    """Print `functions.py` for the server at `url`, keeping the names already there."""
    import psycopg  # noqa: PLC0415  only this command needs the driver

    with psycopg.connect(url) as connection:
        rows = connection.execute(NAMES_QUERY).fetchall()
    found = {name for name, volatile in rows if refused(name, volatile=volatile)}
    sys.stdout.write(source(found | KNOWN_ELSEWHERE | _kept()))


def _kept() -> frozenset[str]:
    data = Path(__file__).with_name("functions.py")
    text = data.read_text() if data.exists() else ""
    return frozenset(re.findall(r"^    (\w+)$", text, re.MULTILINE))


if __name__ == "__main__":
    main(sys.argv[1])

"""What reading a statement tells: what was noticed, and what was looked for and verified."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from executors.base.statements import Access


class Severity(StrEnum):
    """How much a finding matters. An `ERROR` refuses the statement; the others only inform."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class FindingCode(StrEnum):
    """What may be noticed: stable, stored with a request and part of the API. In alphabetical order."""

    ABSOLUTE_VALUE = "absolute_value"
    AFTER_REMOVED = "after_removed"
    ALL_OR_NOTHING = "all_or_nothing"
    ALWAYS_TRUE = "always_true"
    AMBIGUOUS_NAME = "ambiguous_name"
    ASYNC_CONDITION = "async_condition"
    BIDI_CONTROL = "bidi_control"
    BREAKS_NAMES = "breaks_names"
    BUILT_STATEMENT = "built_statement"
    CALL_IN_LOOP = "call_in_loop"
    CARRIAGE_RETURN = "carriage_return"
    CARTESIAN = "cartesian"
    CASCADES = "cascades"
    CHANGES_ID = "changes_id"
    CHANGES_INDEXED = "changes_indexed"
    CHANGES_KEY = "changes_key"
    CHANGES_PARTITION_KEY = "changes_partition_key"
    CHECKS_EVERY_ROW = "checks_every_row"
    CLIENT_COMMAND = "client_command"
    CONFLICTING_CHANGES = "conflicting_changes"
    CONTROL_CHARACTER = "control_character"
    CONVERTS_COLUMN = "converts_column"
    COPY_AS_READ = "copy_as_read"
    COUNT_NULLABLE = "count_nullable"
    CREATE_INDEX = "create_index"
    DATE_END = "date_end"
    DEEP_OFFSET = "deep_offset"
    DEEP_SKIP = "deep_skip"
    DESTRUCTIVE = "destructive"
    DRIVER_OPTIONS = "driver_options"
    DROP_INDEX = "drop_index"
    DYNAMIC_CODE = "dynamic_code"
    EMPTY = "empty"
    ENDLESS_LOOP = "endless_loop"
    EXPLAIN_ANALYZE = "explain_analyze"
    FIRES_RULES = "fires_rules"
    FIRES_TRIGGERS = "fires_triggers"
    FLOAT_EQUALS = "float_equals"
    FUNCTION_ON_INDEX = "function_on_index"
    HAS_DEPENDENTS = "has_dependents"
    HTML_COMMENT = "html_comment"
    INSERT_BY_PLACE = "insert_by_place"
    INSERT_STAR = "insert_star"
    INVALID_TEXT = "invalid_text"
    INVISIBLE_CHARACTER = "invisible_character"
    LATE_MATCH = "late_match"
    LEADING_WILDCARD = "leading_wildcard"
    LEAVES_CODE = "leaves_code"
    LIMIT_BEFORE_SORT = "limit_before_sort"
    LINE_SEPARATOR = "line_separator"
    LOCKS_TABLE = "locks_table"
    LOOKALIKE_CHARACTER = "lookalike_character"
    LOOKALIKE_NAME = "lookalike_name"
    LOOKUP_NOT_INDEXED = "lookup_not_indexed"
    LOSES_FIELDS = "loses_fields"
    MANY_BY_ID = "many_by_id"
    MATCHES_MISSING = "matches_missing"
    MERGES_INTO_COLLECTION = "merges_into_collection"
    MIXED_LOGIC = "mixed_logic"
    MIXED_PROJECTION = "mixed_projection"
    MIXED_SCRIPTS = "mixed_scripts"
    MODULE_NAME = "module_name"
    MODULE_NOT_ALLOWED = "module_not_allowed"
    MODULE_SYNTAX = "module_syntax"
    MONGO_ARGUMENTS = "mongo_arguments"
    MONGO_COLLECTION = "mongo_collection"
    MONGO_COMMAND = "mongo_command"
    MONGO_DEPTH = "mongo_depth"
    MONGO_DUPLICATE_KEY = "mongo_duplicate_key"
    MONGO_JAVASCRIPT = "mongo_javascript"
    MONGO_METHOD = "mongo_method"
    MONGO_MODIFIER = "mongo_modifier"
    MONGO_NOT_A_QUERY = "mongo_not_a_query"
    MONGO_NOT_LITERAL = "mongo_not_literal"
    MONGO_NUMBER = "mongo_number"
    MONGO_ONE_STATEMENT = "mongo_one_statement"
    MONGO_OPERATOR = "mongo_operator"
    MONGO_OPTION = "mongo_option"
    MONGO_OTHER_DATABASE = "mongo_other_database"
    MONGO_PARAMETERS = "mongo_parameters"
    MONGO_STAGE = "mongo_stage"
    MONGO_SYNTAX = "mongo_syntax"
    MONGO_TOO_LONG = "mongo_too_long"
    MONGO_UNDEFINED = "mongo_undefined"
    MONGO_UPDATE = "mongo_update"
    MONGO_VALUE = "mongo_value"
    MORE_FINDINGS = "more_findings"
    NAME_CUT = "name_cut"
    NAMES_NOT_CHECKED = "names_not_checked"
    NARROWS_LITTLE = "narrows_little"
    NEVER_TRUE = "never_true"
    NO_EFFECT = "no_effect"
    NO_FILTER = "no_filter"
    NO_LIMIT = "no_limit"
    NO_WHERE = "no_where"
    NOT_AVAILABLE = "not_available"
    NOT_AWAITED = "not_awaited"
    NOT_CONCURRENTLY = "not_concurrently"
    NOT_IN_NULLS = "not_in_nulls"
    NOT_NULL_FAILS = "not_null_fails"
    NOT_REPEATABLE = "not_repeatable"
    NOT_TIED = "not_tied"
    NOT_TRANSACTIONAL = "not_transactional"
    NUL_CHARACTER = "nul_character"
    NULL_COMPARED = "null_compared"
    NULL_IN_LIST = "null_in_list"
    NUMBER_ROUNDED = "number_rounded"
    ODD_WHITE_SPACE = "odd_white_space"
    OTHER_KIND = "other_kind"
    OUTER_NAME = "outer_name"
    OUTSIDE_COLUMN = "outside_column"
    OUTSIDE_TRANSACTION = "outside_transaction"
    OVERWRITES = "overwrites"
    OWN_FUNCTION = "own_function"
    PAGE_WITHOUT_ORDER = "page_without_order"
    PARAMETER_MISSING = "parameter_missing"
    PARAMETER_UNUSED = "parameter_unused"
    PARAMETER_VALUE = "parameter_value"
    PARAMETERS_MISMATCH = "parameters_mismatch"
    PARAMETERS_NEED_ONE_STATEMENT = "parameters_need_one_statement"
    PARTLY_READ = "partly_read"
    PERSONAL_DATA = "personal_data"
    POSITION_UNKNOWN = "position_unknown"
    READ_AS_UTC = "read_as_utc"
    READ_IN_WRITE = "read_in_write"
    REFERENCE_NOT_INDEXED = "reference_not_indexed"
    REFUSED_FUNCTION = "refused_function"
    REFUSED_OPERATOR = "refused_operator"
    REFUSED_STATEMENT = "refused_statement"
    REPLACES_COLLECTION = "replaces_collection"
    RETURNS_NOTHING = "returns_nothing"
    REWRITES_TABLE = "rewrites_table"
    ROW_SECURITY = "row_security"
    RUN_TIME = "run_time"
    RUNS_CODE = "runs_code"
    SCANS_COLLECTION = "scans_collection"
    SCRIPT_PARAMETERS = "script_parameters"
    SELF_COMPARISON = "self_comparison"
    SETS_LOCAL = "sets_local"
    SEVERAL_MATCHES = "several_matches"
    SEVERAL_STATEMENTS = "several_statements"
    SWALLOWED_ERROR = "swallowed_error"
    SYNTAX_ERROR = "syntax_error"
    TARGET_REFUSES = "target_refuses"
    TIME_CONDITION = "time_condition"
    TOO_DEEP = "too_deep"
    TOO_LONG = "too_long"
    TOO_MANY_STATEMENTS = "too_many_statements"
    TOO_SLOW_TO_READ = "too_slow_to_read"
    TRANSACTION_WORDS = "transaction_words"
    UNFOLLOWED_USE = "unfollowed_use"
    UNINDEXED_SORT = "unindexed_sort"
    UNKNOWN_COLLECTION = "unknown_collection"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_METHOD = "unknown_method"
    UNKNOWN_NAME = "unknown_name"
    UNORDERED_LIMIT = "unordered_limit"
    UNORDERED_PAGES = "unordered_pages"
    UNREADABLE = "unreadable"
    UPSERT_NOT_UNIQUE = "upsert_not_unique"
    VALUE_STAYS = "value_stays"
    VOLATILE_CONDITION = "volatile_condition"
    WHICH_OF_SEVERAL = "which_of_several"
    WRITE_IN_READ = "write_in_read"
    WRITES_TOGETHER = "writes_together"
    WRONG_LANGUAGE = "wrong_language"


class Verified(StrEnum):
    """What was looked for, all through the statement, and found in order: only an analyser that looked may claim it.

    Stored with a request and part of the API; `queries.presentation.checks` has the words. In alphabetical order.
    """

    ALLOWED_KIND = "allowed_kind"
    EVERY_WRITE_FILTERED = "every_write_filtered"
    NAMES_KNOWN = "names_known"
    NO_HIDDEN_CHARACTERS = "no_hidden_characters"
    NO_LOOKALIKE_NAMES = "no_lookalike_names"
    NO_OUTSIDE_FUNCTIONS = "no_outside_functions"
    NO_SERVER_JAVASCRIPT = "no_server_javascript"
    NO_TABLE_LOCKED = "no_table_locked"
    NOTHING_DROPPED = "nothing_dropped"
    ONE_DATABASE = "one_database"
    ONLY_READS = "only_reads"
    STATEMENTS_WRITTEN_OUT = "statements_written_out"
    SYNTAX = "syntax"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something noticed about a statement. `line` and `column` count from 1, columns in characters.

    `message` says what is wrong in one sentence, `hint` what to do about it. `parameter` names the one it speaks of,
    "" where it speaks of none. `script` is what does the same in the language script, where the statement is none yet.
    """

    code: FindingCode
    severity: Severity
    message: str
    line: int | None = None
    column: int | None = None
    hint: str = ""
    parameter: str = ""
    script: str = ""


@dataclass(frozen=True, slots=True)
class Required:
    """A module that a script asks for, and where. Which of them there are is the target's to say."""

    name: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """What reading a statement tells, before anything runs.

    `access` is what the statement needs; `kinds` names each statement in order
    (`SELECT`, `UPDATE`, `find`, `script` …); `tables` are the tables or collections it names, as written, sorted.
    `verified` lists what was checked and found in order: the absence of a finding alone is never an assurance.
    `fingerprint` is the same for texts that differ in values, spaces and comments alone; "" of one that is not valid.
    """

    access: Access
    kinds: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    verified: tuple[Verified, ...] = ()
    modules: tuple[Required, ...] = ()
    fingerprint: str = ""

    @property
    def valid(self) -> bool:
        """Whether the statement may be submitted."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

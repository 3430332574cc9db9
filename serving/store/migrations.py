"""The schema of the live store, step by step; a step that was released never changes."""

from sqlalchemy import Connection, inspect

from features.mistakes import ConfigurationError, Mistake

_STEPS: tuple[tuple[str, ...], ...] = (
    (
        (
            "CREATE TABLE IF NOT EXISTS model_version (version TEXT PRIMARY KEY, "
            "digest TEXT NOT NULL, registered_at TEXT NOT NULL)"
        ),
        (
            "CREATE TABLE IF NOT EXISTS serving_version (only_row INTEGER PRIMARY KEY "
            "CHECK (only_row = 1), version TEXT NOT NULL REFERENCES model_version)"
        ),
    ),
    (
        (
            "CREATE TABLE live_event (event_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, "
            "kind TEXT NOT NULL, occurred_at BIGINT NOT NULL, recorded_at BIGINT NOT NULL, "
            "effective_at BIGINT, subscription_id TEXT, amount DOUBLE PRECISION, "
            "list_amount DOUBLE PRECISION, label TEXT, term_months INTEGER, basket_id TEXT, "
            "batch_id TEXT)"
        ),
        "CREATE INDEX live_event_customer ON live_event (customer_id)",
        "CREATE INDEX live_event_batch ON live_event (batch_id)",
        "CREATE TABLE drained_event (event_id TEXT PRIMARY KEY)",
        (
            "CREATE TABLE drained_batch (batch_id TEXT PRIMARY KEY, claimed_at TEXT NOT NULL, "
            "drained_at TEXT)"
        ),
        (
            "CREATE TABLE live_state (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), "
            "latest_instant BIGINT NOT NULL)"
        ),
        "INSERT INTO live_state VALUES (1, 0)",
    ),
    (
        (
            "CREATE TABLE api_key (key_id TEXT PRIMARY KEY, name TEXT NOT NULL, "
            "digest TEXT NOT NULL, scopes TEXT NOT NULL, calls_per_minute INTEGER, "
            "made_at TEXT NOT NULL, revoked_at TEXT)"
        ),
        (
            "CREATE TABLE key_use (key_id TEXT NOT NULL REFERENCES api_key, "
            "minute BIGINT NOT NULL, taken INTEGER NOT NULL, PRIMARY KEY (key_id, minute))"
        ),
        (
            "CREATE TABLE audit_entry (entry_id TEXT PRIMARY KEY, at TEXT NOT NULL, "
            "actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL)"
        ),
    ),
    (
        (
            "CREATE TABLE fence (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), "
            "token BIGINT NOT NULL)"
        ),
        "INSERT INTO fence VALUES (1, 0)",
        (
            "CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, "
            "token BIGINT NOT NULL, held_until TEXT NOT NULL)"
        ),
        (
            "CREATE TABLE promotion (token BIGINT PRIMARY KEY, at TEXT NOT NULL, "
            "actor TEXT NOT NULL, action TEXT NOT NULL, "
            "version TEXT NOT NULL REFERENCES model_version, version_before TEXT, "
            "reason TEXT NOT NULL, facts TEXT NOT NULL)"
        ),
        (
            "INSERT INTO promotion SELECT 0, registered_at, 'command line', 'train', version, "
            "NULL, 'it served when this record began', '{}' FROM model_version "
            "WHERE version IN (SELECT version FROM serving_version)"
        ),
    ),
    (
        (
            "CREATE TABLE campaign_decision (decision_id TEXT PRIMARY KEY, "
            "occasion TEXT NOT NULL, decided_at BIGINT NOT NULL, as_of BIGINT NOT NULL, "
            "customer_id TEXT NOT NULL, campaign TEXT, outcome TEXT NOT NULL, "
            "reason TEXT NOT NULL, expected_profit DOUBLE PRECISION, draw DOUBLE PRECISION, "
            "reserved BIGINT NOT NULL, model_version TEXT NOT NULL, grounds TEXT NOT NULL)"
        ),
        "CREATE INDEX campaign_decision_customer ON campaign_decision (customer_id, decided_at)",
        "CREATE INDEX campaign_decision_occasion ON campaign_decision (occasion)",
        (
            "CREATE TABLE campaign_assignment (campaign TEXT NOT NULL, customer_id TEXT NOT NULL, "
            "arm TEXT NOT NULL, draw DOUBLE PRECISION NOT NULL, "
            "control_share DOUBLE PRECISION NOT NULL, assigned_at BIGINT NOT NULL, "
            "PRIMARY KEY (campaign, customer_id))"
        ),
        "CREATE INDEX campaign_assignment_customer ON campaign_assignment (customer_id)",
        (
            "CREATE TABLE campaign_budget (campaign TEXT NOT NULL, period TEXT NOT NULL, "
            "reserved BIGINT NOT NULL, PRIMARY KEY (campaign, period))"
        ),
        (
            "CREATE TABLE campaign_trigger (number BIGINT PRIMARY KEY, "
            "decision_id TEXT NOT NULL UNIQUE, campaign TEXT NOT NULL, customer_id TEXT NOT NULL, "
            "made_at BIGINT NOT NULL, not_before BIGINT NOT NULL)"
        ),
        "CREATE INDEX campaign_trigger_customer ON campaign_trigger (customer_id)",
        (
            "CREATE TABLE trigger_count (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), "
            "latest_number BIGINT NOT NULL)"
        ),
        "INSERT INTO trigger_count VALUES (1, 0)",
    ),
    (
        (
            "CREATE TABLE customer_read (read_id TEXT PRIMARY KEY, at TEXT NOT NULL, "
            "actor TEXT NOT NULL, route TEXT NOT NULL, request_id TEXT NOT NULL, "
            "customers INTEGER NOT NULL, subjects TEXT NOT NULL)"
        ),
        "CREATE INDEX customer_read_at ON customer_read (at)",
    ),
    (
        (
            "CREATE TABLE retraining (token BIGINT PRIMARY KEY, run_key TEXT NOT NULL, "
            "at TEXT NOT NULL, outcome TEXT NOT NULL, version TEXT, version_before TEXT, "
            "answer TEXT NOT NULL, is_finished INTEGER NOT NULL)"
        ),
        "CREATE INDEX retraining_key ON retraining (run_key)",
        (
            "CREATE TABLE watched (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), "
            "at TEXT NOT NULL, findings TEXT NOT NULL)"
        ),
    ),
    (
        (
            "CREATE TABLE outbox (message_id TEXT NOT NULL, receiver TEXT NOT NULL, "
            "customer_id TEXT NOT NULL, campaign TEXT NOT NULL, body TEXT NOT NULL, "
            "state TEXT NOT NULL, attempts INTEGER NOT NULL, made_at BIGINT NOT NULL, "
            "due_at BIGINT NOT NULL, ended_at BIGINT, claim TEXT, claimed_until BIGINT, "
            "last_said TEXT, PRIMARY KEY (message_id, receiver))"
        ),
        "CREATE INDEX outbox_due ON outbox (receiver, state, due_at)",
        "CREATE INDEX outbox_customer ON outbox (customer_id)",
        "CREATE TABLE receiver (name TEXT PRIMARY KEY, gone_at TEXT, paused_until BIGINT)",
        (
            "CREATE TABLE outbox_state (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), "
            "announced BIGINT NOT NULL)"
        ),
        "INSERT INTO outbox_state VALUES (1, 0)",
    ),
    (
        (
            "CREATE TABLE frozen_version (campaign TEXT PRIMARY KEY, "
            "version TEXT NOT NULL REFERENCES model_version, frozen_at TEXT NOT NULL)"
        ),
    ),
    (
        (
            "CREATE TABLE unfinished_erasure (customer_ids TEXT PRIMARY KEY, "
            "actor TEXT NOT NULL, found TEXT NOT NULL)"
        ),
    ),
    # What campaigns have contacted and expect of it is read from the index alone.
    (
        (
            "CREATE INDEX campaign_decision_outcome ON campaign_decision "
            "(outcome, campaign, expected_profit)"
        ),
    ),
)


def migrate(connection: Connection, *, dry: bool = False) -> bool:
    """Bring the schema up to date, unless `dry`; return whether it was not.

    The caller holds the store for writing, unless `dry`.

    Raises
    ------
    ConfigurationError
        If the store has seen steps that this version does not know.
    """
    taken = _steps_taken(connection)
    if taken > len(_STEPS):
        expected = f"expected at most {len(_STEPS)}; use the keepworth that wrote it, or a newer"
        mistake = Mistake("the live store's schema", f"at step {taken}", expected)
        raise ConfigurationError("the live store is of a newer keepworth", [mistake])
    if not dry and taken < len(_STEPS):
        connection.exec_driver_sql(
            "CREATE TABLE IF NOT EXISTS schema_step (step INTEGER PRIMARY KEY)"
        )
        for step, statements in enumerate(_STEPS[taken:], start=taken + 1):
            for statement in (*statements, f"INSERT INTO schema_step VALUES ({step})"):
                connection.exec_driver_sql(statement)
    return taken < len(_STEPS)


def _steps_taken(connection: Connection) -> int:
    if not inspect(connection).has_table("schema_step"):
        return 0
    return int(connection.exec_driver_sql("SELECT max(step) FROM schema_step").scalar_one())

"""The tables of the live store, as statements name them; `migrations` makes them."""

from sqlalchemy import BigInteger, Column, Double, Integer, MetaData, Table, Text

from features.contract import EVENT_COLUMNS

_TYPES = {"VARCHAR": Text, "TIMESTAMPTZ": BigInteger, "DOUBLE": Double, "INTEGER": Integer}

metadata = MetaData()

model_version = Table(
    "model_version",
    metadata,
    Column("version", Text, primary_key=True),
    Column("digest", Text),
    Column("registered_at", Text),
)
serving_version = Table(
    "serving_version",
    metadata,
    Column("only_row", Integer, primary_key=True),
    Column("version", Text),
)
live_event = Table(
    "live_event",
    metadata,
    *(Column(name, _TYPES[sql_type]) for name, sql_type in EVENT_COLUMNS.items()),
    Column("batch_id", Text),
)
"""Events that were posted; times in UTC microseconds, amounts in major units.

`batch_id` is null until a drain claims the row; then it names the batch of the log that holds it.
"""
drained_event = Table("drained_event", metadata, Column("event_id", Text, primary_key=True))
"""The ids of posted events that are in the log, for as long as the log has them."""
drained_batch = Table(
    "drained_batch",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("claimed_at", Text),
    Column("drained_at", Text),
)
live_state = Table(
    "live_state",
    metadata,
    Column("only_row", Integer, primary_key=True),
    Column("latest_instant", BigInteger),
)
"""One row: the latest instant, in microseconds, at which a posted event became visible."""
api_key = Table(
    "api_key",
    metadata,
    Column("key_id", Text, primary_key=True),
    *(Column(name, Text) for name in ("name", "digest", "scopes")),
    Column("calls_per_minute", Integer),
    *(Column(name, Text) for name in ("made_at", "revoked_at")),
)
"""Keys, revoked ones too; `digest` is the sha256 of the token, `scopes` are words."""
key_use = Table(
    "key_use",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    Column("taken", Integer),
)
"""How many calls of a minute, counted from the epoch, workers have taken for a key."""
audit_entry = Table(
    "audit_entry",
    metadata,
    Column("entry_id", Text, primary_key=True),
    *(Column(name, Text) for name in ("at", "actor", "action", "subject")),
)
"""Who did what of consequence, and when."""
fence = Table(
    "fence",
    metadata,
    Column("only_row", Integer, primary_key=True),
    Column("token", BigInteger),
)
"""One row: the newest fencing token that was issued."""
lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text),
    Column("token", BigInteger),
    Column("held_until", Text),
)
promotion = Table(
    "promotion",
    metadata,
    Column("token", BigInteger, primary_key=True),
    *(Column(name, Text) for name in ("at", "actor", "action", "version", "version_before")),
    *(Column(name, Text) for name in ("reason", "facts")),
)
"""Every change of what serves, by its fencing token; `facts` are JSON."""
campaign_decision = Table(
    "campaign_decision",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("occasion", Text),
    *(Column(name, BigInteger) for name in ("decided_at", "as_of")),
    *(Column(name, Text) for name in ("customer_id", "campaign", "outcome", "reason")),
    *(Column(name, Double) for name in ("expected_profit", "draw")),
    Column("reserved", BigInteger),
    *(Column(name, Text) for name in ("model_version", "grounds")),
)
"""What was decided of a customer on an occasion (a night, an event), and on which grounds (JSON).

Times in UTC microseconds; `reserved` in minor units; `campaign` is null where none wanted it.
"""
campaign_assignment = Table(
    "campaign_assignment",
    metadata,
    *(Column(name, Text, primary_key=True) for name in ("campaign", "customer_id")),
    Column("arm", Text),
    *(Column(name, Double) for name in ("draw", "control_share")),
    Column("assigned_at", BigInteger),
)
"""The arm of a campaign that a customer was first given, and keeps; `control_share` as it was."""
campaign_budget = Table(
    "campaign_budget",
    metadata,
    *(Column(name, Text, primary_key=True) for name in ("campaign", "period")),
    Column("reserved", BigInteger),
)
"""What contacts of a campaign may cost at most in a day or a month, in minor units."""
campaign_trigger = Table(
    "campaign_trigger",
    metadata,
    Column("number", BigInteger, primary_key=True),
    *(Column(name, Text) for name in ("decision_id", "campaign", "customer_id")),
    *(Column(name, BigInteger) for name in ("made_at", "not_before")),
)
"""Decisions to contact somebody; numbers rise in the order in which they became visible."""
trigger_count = Table(
    "trigger_count",
    metadata,
    Column("only_row", Integer, primary_key=True),
    Column("latest_number", BigInteger),
)
"""One row: the number of the latest trigger, which no later one bears again."""
customer_read = Table(
    "customer_read",
    metadata,
    Column("read_id", Text, primary_key=True),
    *(Column(name, Text) for name in ("at", "actor", "route", "request_id")),
    Column("customers", Integer),
    Column("subjects", Text),
)
"""Which call was told of which customers; `subjects` are salted digests, one a word."""
retraining = Table(
    "retraining",
    metadata,
    Column("token", BigInteger, primary_key=True),
    *(Column(name, Text) for name in ("run_key", "at", "outcome", "version", "version_before")),
    Column("answer", Text),
    Column("is_finished", Integer),
)
"""Every decision of the retraining job, by the token it was made with; `answer` is JSON."""
watched = Table(
    "watched",
    metadata,
    Column("only_row", Integer, primary_key=True),
    *(Column(name, Text) for name in ("at", "findings")),
)
"""One row: what the newest monitoring found, as JSON."""
outbox = Table(
    "outbox",
    metadata,
    *(Column(name, Text, primary_key=True) for name in ("message_id", "receiver")),
    *(Column(name, Text) for name in ("customer_id", "campaign", "body", "state")),
    Column("attempts", Integer),
    *(Column(name, BigInteger) for name in ("made_at", "due_at", "ended_at")),
    Column("claim", Text),
    Column("claimed_until", BigInteger),
    Column("last_said", Text),
)
"""What receivers are to be told, one row for each; instants in UTC microseconds."""
receiver = Table(
    "receiver",
    metadata,
    Column("name", Text, primary_key=True),
    Column("gone_at", Text),
    Column("paused_until", BigInteger),
)
"""Receivers that said they are gone, or asked for a pause; the others need no row."""
outbox_state = Table(
    "outbox_state",
    metadata,
    Column("only_row", Integer, primary_key=True),
    Column("announced", BigInteger),
)
"""One row: the number of the latest trigger for which messages were made."""
unfinished_erasure = Table(
    "unfinished_erasure",
    metadata,
    Column("customer_ids", Text, primary_key=True),
    *(Column(name, Text) for name in ("actor", "found")),
)
"""Erasures that have begun: whom (JSON), who asked, and what the log held of them (JSON)."""
frozen_version = Table(
    "frozen_version",
    metadata,
    *(Column(name, Text, primary_key=name == "campaign") for name in ("campaign", "version")),
    Column("frozen_at", Text),
)
"""The model version that values the outcomes of a campaign."""

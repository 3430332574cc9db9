"""Histories that keep to the contract and still look odd: reported, never refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from features.contract import PLAN_KINDS
from features.history import QUANTITY_SCALE
from features.ingest.quoting import literal, literals
from features.instants import instant_of
from features.log import Log
from features.rules import LARGEST_SCALE, CustomerRules

EXAMPLES = 3
_MOVES = (*PLAN_KINDS, "cancel", "cancel_withdrawn", "payment", "refund")


_HASHED = r"[0-9a-f]{32}-\d+"
"""Ids of events that brought none; see `features.ingest.identity`."""


@dataclass(frozen=True)
class OddEvent:
    """Name an event and whose it is."""

    customer_id: str
    event_id: str


@dataclass(frozen=True)
class Oddity:
    """Count the events of one odd shape, with a few of them."""

    what: str
    count: int
    examples: tuple[OddEvent, ...]


def oddities_of(
    connection: duckdb.DuckDBPyConnection, log: Log, rules: CustomerRules
) -> list[Oddity]:
    """Look through the whole log, old batches and new; only what occurs is returned."""
    if not log.n_events:
        return []
    files = literals(map(str, log.files("events")))
    connection.execute(f"CREATE OR REPLACE VIEW whole_log AS FROM read_parquet([{files}])")
    _create_moves(connection)
    same = "tied.subscription = moves.subscription"
    opened = f"{same} AND (tied.is_open OR tied.kind IN ('subscribe', 'cancel_withdrawn'))"
    outside = f"NOT is_open AND {_not_by_hash(opened)}"
    withdrawable = _not_by_hash(f"{same} AND tied.kind = 'cancel'")
    unpaid = _not_by_hash("tied.kind = 'payment'")
    queries = {
        "cancel without an open subscription": f"FROM moves WHERE kind = 'cancel' AND {outside}",
        "plan_change or renew outside a subscription": (
            f"FROM moves WHERE kind IN ('plan_change', 'renew') AND {outside}"
        ),
        "cancel_withdrawn without a cancel before it": (
            "FROM moves WHERE kind = 'cancel_withdrawn' AND coalesce(last_move, '') <> 'cancel' "
            f"AND {withdrawable}"
        ),
        "list_amount below amount, a discount below zero": (
            f"FROM whole_log WHERE kind IN ({literals(PLAN_KINDS)}) AND list_amount < amount"
        ),
        "refund before any payment": (
            f"FROM moves WHERE kind = 'refund' AND n_payments = 0 AND {unpaid}"
        ),
    }
    if customers := log.files("customers"):
        queries["referral_joined naming an unknown customer"] = _strangers(customers)
    if rules.observed_until:
        until = f"make_timestamptz({instant_of(rules.observed_until)})"
        queries["event after observed_until"] = f"FROM whole_log WHERE occurred_at >= {until}"
    queries |= _rounded_away(connection, rules.usage_scale)
    found = (_oddity(connection, what, query) for what, query in queries.items())
    return [oddity for oddity in found if oddity.count]


def _create_moves(connection: duckdb.DuckDBPyConnection) -> None:
    """Set beside each move what its subscription had come to just before.

    A cancellation whose notice still runs leaves the subscription open. What names no subscription
    is of the one named last before it, as in the timeline; see `features.plan_events`.
    """
    so_far = "(PARTITION BY customer_id ORDER BY occurred_at, event_id ROWS UNBOUNDED PRECEDING)"
    unnamed = "kind = 'subscribe' AND subscription_id IS NULL"
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW named_moves AS SELECT * REPLACE (CASE "
        "WHEN subscription_id IS NOT NULL THEN subscription_id "
        f"WHEN bool_or({unnamed}) OVER {so_far} THEN '' ELSE coalesce("
        f"last_value(subscription_id IGNORE NULLS) OVER {so_far}, first_value(subscription_id "
        "IGNORE NULLS) OVER (PARTITION BY customer_id ORDER BY occurred_at, event_id "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), '') END AS subscription_id) "
        f"FROM whole_log WHERE kind IN ({literals(_MOVES)})"
    )
    window = (
        "(PARTITION BY customer_id, {scope} ORDER BY occurred_at, event_id "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    turns = "kind IN ('subscribe', 'cancel', 'cancel_withdrawn')"
    subscription = window.format(scope="subscription_id")
    connection.execute(
        "CREATE OR REPLACE TABLE moves AS SELECT customer_id, subscription, event_id, kind, "
        "occurred_at, last_move, n_payments, "
        "coalesce(last_move <> 'cancel' OR open_until > occurred_at, false) AS is_open FROM ("
        "SELECT customer_id, event_id, kind, occurred_at, "
        "subscription_id AS subscription, "
        f"last_value(CASE WHEN {turns} THEN kind END IGNORE NULLS) "
        f"OVER {subscription} AS last_move, "
        "last_value(CASE WHEN kind = 'cancel' THEN coalesce(effective_at, occurred_at) END "
        f"IGNORE NULLS) OVER {subscription} AS open_until, "
        f"count(*) FILTER (kind = 'payment') OVER {window.format(scope='true')} AS n_payments "
        "FROM named_moves)"
    )


def _not_by_hash(of_tied: str) -> str:
    """Except events that look odd only as the hash, their id, put them before what is tied.

    Events of one customer at one instant that brought no ids have no order that anybody gave.
    """
    return (
        f"NOT (regexp_full_match(event_id, '{_HASHED}') AND EXISTS (FROM moves AS tied "
        "WHERE tied.customer_id = moves.customer_id AND tied.occurred_at = moves.occurred_at "
        f"AND ({of_tied})))"
    )


def _strangers(customers: Sequence[object]) -> str:
    """Find newcomers that are neither in the customers table nor have events of their own."""
    known = f"SELECT customer_id FROM read_parquet([{literals(map(str, customers))}])"
    return (
        "FROM whole_log WHERE kind = 'referral_joined' "
        f"AND label NOT IN ({known} UNION SELECT DISTINCT customer_id FROM whole_log)"
    )


def _rounded_away(
    connection: duckdb.DuckDBPyConnection, usage_scale: Mapping[str, int]
) -> dict[str, str]:
    """Find usage of each metric that is nothing in the fractions of a unit it is held in."""
    cases = (f"WHEN {literal(metric)} THEN {scale}" for metric, scale in usage_scale.items())
    scale = f"CASE label {' '.join(cases)} ELSE {QUANTITY_SCALE} END"
    scale = scale if usage_scale else str(QUANTITY_SCALE)
    rounded = f"FROM whole_log WHERE kind = 'usage' AND amount > 0 AND amount * {scale} <= 0.5"
    metrics = connection.execute(f"SELECT DISTINCT label {rounded} ORDER BY label").fetchall()
    return {
        _told_rounded(metric, usage_scale.get(metric, QUANTITY_SCALE)): (
            f"{rounded} AND label IS NOT DISTINCT FROM "
            f"{'NULL' if metric is None else literal(metric)}"
        )
        for (metric,) in metrics
    }


def _told_rounded(metric: str | None, scale: int) -> str:
    whose = "no metric" if metric is None else repr(metric)
    if metric is None:
        way_out = "name its metric, and declare the metric's scale in [features.usage_scale]"
    elif scale == LARGEST_SCALE:
        way_out = "give it in a smaller unit"
    else:
        way_out = f"declare a scale above {scale} for it in [features.usage_scale]"
    return f"usage of {whose} up to {0.5 / scale:g}, which counts as 0: {way_out}"


def _oddity(connection: duckdb.DuckDBPyConnection, what: str, source: str) -> Oddity:
    named = "{'customer_id': customer_id, 'event_id': event_id}"
    query = f"SELECT count(*), coalesce(arg_min({named}, event_id, {EXAMPLES}), []) {source}"
    count, examples = connection.execute(query).fetchall()[0]
    return Oddity(what, int(count), tuple(OddEvent(**event) for event in examples))

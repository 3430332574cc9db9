"""When a retraining is due: outcomes are counted as the business's own rules have them."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from features.log import Log
from tests.training.worlds import at, ingested_log, operator_business, shop_business
from training.business import Business
from training.comparison import Ground
from training.due import of_outcomes
from training.retraining_rules import RetrainingRules

SINCE, UNTIL = at("2024-02-01"), at("2024-06-01")


def log_of(folder: Path, business: Business, rows: list[tuple[str, str, str, float | None]]) -> Log:
    ids, kinds, days, amounts = zip(*rows, strict=True)
    instants = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in days]
    columns = {
        "customer_id": list(ids),
        "kind": list(kinds),
        "occurred_at": pa.array(instants, pa.timestamp("us", tz="UTC")),
        "amount": pa.array(amounts, pa.float64()),
        "term_months": pa.array([3 if kind == "subscribe" else None for kind in kinds], pa.int64()),
        "subscription_id": [f"{who}-{amount}" for who, amount in zip(ids, amounts, strict=True)],
    }
    return ingested_log(folder, pa.table(columns), business)


def found(log: Log, business: Business, since: int = SINCE) -> tuple[bool, str]:
    rules = RetrainingRules(new_outcomes=2)
    reason = of_outcomes(Ground(log, business, rules), since, UNTIL)
    return reason.is_due, reason.found


def test_terms_that_lapsed_are_exits_where_they_end_what_nobody_renews(tmp_path: Path) -> None:
    business = operator_business(term_end="lapses")
    subscribed = [(f"c{n}", "subscribe", f"2024-01-0{n}", 10.0) for n in range(1, 4)]
    log = log_of(tmp_path, business, subscribed)
    assert found(log, business) == (True, "3 new exits; due from 2")
    assert found(log, business, at("2024-05-01"))[1].startswith("0 new exits")


def test_who_ends_one_of_two_subscriptions_has_not_left(tmp_path: Path) -> None:
    business = operator_business()
    rows = [
        *(("both", "subscribe", "2024-01-01", amount) for amount in (10.0, 20.0)),
        ("one", "subscribe", "2024-01-01", 10.0),
        ("both", "cancel", "2024-03-01", 10.0),
        ("one", "cancel", "2024-03-01", 10.0),
    ]
    log = log_of(tmp_path, business, rows)
    assert found(log, business) == (False, "1 new exits; due from 2")


def test_a_shop_counts_purchases(tmp_path: Path) -> None:
    business = shop_business()
    bought = [("a", "payment", f"2024-0{month}-10", 5.0) for month in range(1, 6)]
    log = log_of(tmp_path, business, bought)
    assert found(log, business) == (True, "4 new purchases; due from 2")

"""What a happening is in SQL: a source of rows, a condition on them, and what their value is."""

from dataclasses import dataclass

from features.contract import KINDS
from features.rules import CustomerRules
from tests.features.sql_form.arithmetic import MINUTE
from tests.features.sql_form.subscriptions import MOVE_CONDITIONS
from tests.features.sql_form.tables import THOUSANDTHS

MINUTES_A_DAY = 24 * 60

PURCHASES = f"""
purchases AS (
    SELECT
        *, lag(occurred) OVER by_customer AS occurred_before,
        (occurred - lag(occurred) OVER by_customer) // {MINUTE} AS gap
    FROM (
        SELECT
            as_of, customer, min(seq) AS seq, min(occurred) AS occurred,
            sum(value)::BIGINT AS value
        FROM staged, instants
        WHERE visible < as_of AND kind = 'payment'
        GROUP BY as_of, customer, basket, CASE WHEN basket IS NULL THEN seq END
    )
    WINDOW by_customer AS (PARTITION BY as_of, customer ORDER BY seq)
)"""

ATTEMPTS = """
attempts AS (
    SELECT *, lead(kind) OVER (PARTITION BY as_of, customer ORDER BY seq) AS kind_after
    FROM (
        SELECT as_of, customer, seq, occurred, value, kind
        FROM staged, instants
        WHERE visible < as_of AND kind IN ('payment', 'payment_failed')
    )
)"""


@dataclass(frozen=True)
class Happening:
    """Say where a happening's rows are found; `value / scale` is in major units."""

    source: str
    condition: str = "true"
    value: str = "value"
    scale: int = THOUSANDTHS


def happening_of(name: str, rules: CustomerRules) -> Happening:
    """Return the SQL of a happening named as in `features.expressions`."""
    money = rules.minor_units
    repeated = "occurred_before IS NOT NULL"
    if name in MOVE_CONDITIONS:
        return Happening("moves", MOVE_CONDITIONS[name], scale=money)
    if name == "purchase":
        return Happening("purchases", scale=money)
    if name == "repeat_purchase":
        return Happening("purchases", repeated, scale=money)
    if name == "purchase_gap":
        return Happening("purchases", repeated, "gap", MINUTES_A_DAY)
    if name == "failure_recovered":
        recovered = "kind = 'payment_failed' AND kind_after = 'payment'"
        return Happening("attempts", recovered, scale=money)
    return _of_kind(name, rules)


def _of_kind(name: str, rules: CustomerRules) -> Happening:
    wanted, _, label = name.partition(":")
    kind = next(kind for kind in KINDS if kind.name == wanted)
    condition = f"label = {quoted(label)}" if label else "true"
    if kind.is_money:
        return Happening(wanted, condition, scale=rules.minor_units)
    scale = rules.usage_scale.get(label, THOUSANDTHS) if wanted == "usage" else THOUSANDTHS
    return Happening(wanted, condition, scale=scale)


def source_sql(source: str) -> str:
    """Return the relation that a source's rows are read from."""
    if source in ("moves", "purchases", "attempts"):
        return source
    return f"""(
        SELECT as_of, customer, seq, occurred, label, value
        FROM staged, instants WHERE visible < as_of AND kind = '{source}'
    )"""


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"

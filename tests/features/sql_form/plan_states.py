"""Properties of the plan as it stands in SQL, by name; see `features.plan_state`."""

from features.rules import CustomerRules
from tests.features.sql_form.arithmetic import DAY
from tests.features.sql_form.tables import NEVER, THOUSANDTHS

# One row a customer with an open subscription; `main` is the open stretch that charges most.
_OPEN = """
open_now AS (
    SELECT
        as_of, customer,
        {sums}, sum(usual_listed) FILTER (WHERE is_open) AS usual_listed,
        {allowances},
        min(notice) FILTER (WHERE finish > as_of) AS notice
    FROM (
        SELECT s.*, allowances, start <= s.as_of AND s.as_of < finish AS is_open
        FROM usual s JOIN instants i ON i.as_of = s.as_of
    )
    GROUP BY as_of, customer
    HAVING count(*) FILTER (WHERE is_open) > 0
),
main AS (
    SELECT * FROM usual
    WHERE start <= as_of AND as_of < finish
    QUALIFY row_number() OVER (PARTITION BY as_of, customer ORDER BY paid DESC, seq DESC) = 1
)"""
_MOMENTS = {
    "now": "as_of",
    "ahead": "later_by(as_of, 6)",
    "ago_90": f"as_of - 90 * {DAY}",
    "ago_365": f"as_of - 365 * {DAY}",
}
_LADDER = "map_values(i.ladder)"
_ON_LADDER = "coalesce(i.ladder[main.label], main.usual_listed)"
_COHORT = "i.cohort_prices[strftime(make_timestamp(spell.relationship_start), '%Y-%m')]"


def _over(dividend: str, divisor: str) -> str:
    return f"({dividend})::DOUBLE / nullif(({divisor})::DOUBLE, 0)"


def _month_ahead(instant: str) -> str:
    return f"1 + whole_months(now.as_of, {instant})"


def _term_end() -> str:
    """Return the first end of a rolling term that is not before as_of, and not the start."""
    terms = "(whole_months(main.start, now.as_of) // main.term)"
    latest = f"later_by(main.start, {terms} * main.term)"
    following = f"later_by(main.start, ({terms} + 1) * main.term)"
    return f"CASE WHEN {latest} = now.as_of AND {terms} > 0 THEN {latest} ELSE {following} END"


def _states(rules: CustomerRules) -> dict[str, str]:
    minor = rules.minor_units
    return {
        "mrr": _over("now.paid_now", str(minor)),
        "list_mrr": _over("now.listed_now", str(minor)),
        "discount_share": f"CASE WHEN now.listed_now > 0 THEN "
        f"{_over('now.listed_now - now.paid_now', 'now.listed_now')} ELSE 0 END",
        "open_subscriptions": "now.open_now",
        "tenure_months": "whole_months(spell.relationship_start, now.as_of)",
        "months_on_plan": "whole_months(main.price_began, now.as_of)",
        "term_months": "main.term",
        "months_to_renewal": f"CASE WHEN main.term > 0 THEN {_month_ahead(_term_end())} END",
        "months_to_booked_end": f"CASE WHEN spell.finish < {NEVER} THEN "
        f"{_month_ahead('spell.finish')} END",
        "booked_mrr_change": "CASE WHEN now.paid_now > 0 AND now.open_ahead > 0 THEN "
        f"{_over('now.paid_ahead - now.paid_now', 'now.paid_now')} ELSE 0 END",
        "mrr_change_90d": _over("now.paid_now - now.paid_ago_90", "now.paid_ago_90"),
        "mrr_change_365d": _over("now.paid_now - now.paid_ago_365", "now.paid_ago_365"),
        "is_paused": "now.paid_now = 0 AND now.listed_now = 0 AND now.usual_listed > 0",
        "contractions_365d": "coalesce(c.n, 0)",
        "days_since_notice": _over("now.as_of - now.notice", str(DAY)),
        "months_to_discount_end": "CASE WHEN main.paid < main.listed THEN "
        f"{_month_ahead('main.full_price_from')} END",
        **{
            allowance_of(scale): _over(f"now.{allowance_of(scale)}", str(scale))
            for scale in _usage_scales(rules)
        },
        "ladder_place": _ladder_place(),
        "price_to_plan_price": _over("main.usual_listed", "i.ladder[main.label]"),
        "price_to_cohort": _over("now.usual_listed", f"coalesce({_COHORT}, i.typical_price)"),
    }


def allowance_of(scale: int) -> str:
    """Return the column of what the plans held include, rounded to fractions of a unit."""
    return f"allowance_{scale}"


def _usage_scales(rules: CustomerRules) -> set[int]:
    return {THOUSANDTHS, *rules.usage_scale.values()}


def _ladder_place() -> str:
    cheaper = f"len(list_filter({_LADDER}, lambda price: price < {_ON_LADDER}))"
    place = f"smaller({_over(cheaper, f'len({_LADDER}) - 1')}, 1)"
    return f"CASE len({_LADDER}) WHEN 0 THEN NULL WHEN 1 THEN 0 ELSE {place} END"


def plan_state_tables(rules: CustomerRules) -> list[str]:
    """Return the common tables that end in `plan_states`, one column a state."""
    sums = [
        f"sum({what}) FILTER (WHERE start <= {instant} AND {instant} < finish) AS {name}_{when}"
        for when, instant in _MOMENTS.items()
        for name, what in (("open", "1"), ("paid", "paid"), ("listed", "listed"))
    ]
    allowances = [
        f"sum(CAST(round_even(allowances[label] * {scale}, 0) AS BIGINT)) FILTER (WHERE is_open) "
        f"AS {allowance_of(scale)}"
        for scale in _usage_scales(rules)
    ]
    columns = [f"CAST({sql} AS DOUBLE) AS {name}" for name, sql in _states(rules).items()]
    return [
        _OPEN.format(sums=", ".join(sums), allowances=", ".join(allowances)),
        f"""
plan_states AS (
    SELECT now.as_of, now.customer, {", ".join(columns)}
    FROM open_now AS now
    JOIN instants AS i ON i.as_of = now.as_of
    JOIN main ON main.as_of = now.as_of AND main.customer = now.customer
    JOIN spell_now AS spell ON spell.as_of = now.as_of AND spell.customer = now.customer
    LEFT JOIN contractions AS c ON c.as_of = now.as_of AND c.customer = now.customer
)""",
    ]

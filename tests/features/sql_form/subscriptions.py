"""Subscriptions in SQL: plan events and cancellations as they were believed at each as_of.

Written from the contract: a cancellation withdrawn before it took effect never was; a change
booked before a cancellation that acts ahead of it is void, and so is a subscription booked before
a cancellation that finds nothing begun; a term that lapses ends.
"""

from features.rules import CustomerRules
from tests.features.sql_form.arithmetic import DAY
from tests.features.sql_form.tables import NEVER

_OF_ONE = "PARTITION BY as_of, customer, subscription"

PLAN_EVENTS = """
plan_events AS MATERIALIZED (
    SELECT
        as_of, customer, seq, kind, label, occurred, effective, term,
        value AS paid, coalesce(listed, value) AS listed,
        CASE
            WHEN subscription IS NOT NULL THEN subscription
            WHEN NOT bool_or(kind = 'subscribe' AND subscription IS NULL) OVER so_far
            THEN coalesce(
                last_value(subscription IGNORE NULLS) OVER so_far,
                first_value(subscription IGNORE NULLS) OVER whole_history
            )
        END AS subscription
    FROM staged, instants
    WHERE visible < as_of
      AND kind IN ('subscribe', 'plan_change', 'renew', 'cancel', 'cancel_withdrawn')
    WINDOW
        so_far AS (PARTITION BY as_of, customer ORDER BY seq ROWS UNBOUNDED PRECEDING),
        whole_history AS (
            PARTITION BY as_of, customer ORDER BY seq
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
)"""

LATER = 2**40
"""Puts moves behind the events of their instant."""

# A subscription that is begun anew did not move; a pause is passed over to what was before it.
_MOVES = f"""
paused AS (
    SELECT
        *, coalesce(listed = 0 AND priced IS NOT NULL AND label IS NOT DISTINCT FROM priced.label,
            false) AS is_pause
    FROM (
        SELECT *, last_value(CASE WHEN listed > 0 THEN {{'label': label}} END IGNORE NULLS) OVER (
            PARTITION BY as_of, customer, subscription, beginning ORDER BY start
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS priced
        FROM stretches
    )
),
usual AS MATERIALIZED (
    SELECT *, CASE WHEN is_pause THEN before.listed ELSE listed END AS usual_listed
    FROM (
        SELECT
            *, lag(is_pause) OVER by_start AS was_paused,
            last_value(
                CASE WHEN NOT is_pause THEN {{'label': label, 'paid': paid, 'listed': listed}} END
                IGNORE NULLS
            ) OVER (
                PARTITION BY as_of, customer, subscription, beginning ORDER BY start
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS before
        FROM paused
        WINDOW by_start AS (
            PARTITION BY as_of, customer, subscription, beginning ORDER BY start
        )
    )
),
moves AS (
    SELECT
        pair.as_of, customer, seq + {LATER} AS seq, label, start AS occurred, paid, listed,
        is_pause, before.paid AS paid_before, before.listed AS listed_before,
        abs(listed - before.listed) AS value,
        NOT is_pause AND coalesce(label <> before.label, false) AS is_other_plan,
        coalesce(ladder[label], listed) <= list_min(map_values(ladder)) AS is_floor
    FROM usual AS pair JOIN instants AS i ON i.as_of = pair.as_of
    WHERE before IS NOT NULL AND NOT (is_pause AND was_paused) AND start <= pair.as_of
)"""

MOVE_CONDITIONS = {
    "downgrade": "is_other_plan AND listed < listed_before",
    "upgrade": "is_other_plan AND listed > listed_before",
    "repricing": "NOT is_other_plan AND listed <> listed_before "
    "AND listed > 0 AND listed_before > 0",
    "price_rise": "NOT is_other_plan AND listed > listed_before AND listed_before > 0",
    "price_cut": "NOT is_other_plan AND listed < listed_before AND listed > 0",
    "pause": "is_pause AND listed_before > 0",
    "discount_begun": "paid < listed AND paid_before >= listed_before",
    "discount_ended": "NOT is_pause AND paid >= listed AND paid_before < listed_before",
    "downgrade_to_floor": "is_other_plan AND listed < listed_before AND is_floor",
}

_STANDING = f"""
standing AS (
    SELECT * EXCLUDE (latest_cancel)
    FROM (
        SELECT *, max(CASE WHEN kind = 'cancel' THEN seq END) OVER in_effect AS latest_cancel
        FROM (
            SELECT *, min(CASE WHEN kind = 'cancel_withdrawn' THEN occurred END) OVER (
                {_OF_ONE} ORDER BY seq ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
            ) AS withdrawn_at
            FROM plan_events
        )
        WHERE kind <> 'cancel_withdrawn'
          AND NOT (kind = 'cancel' AND coalesce(withdrawn_at < effective, false))
        WINDOW in_effect AS (
            {_OF_ONE} ORDER BY effective, seq ROWS UNBOUNDED PRECEDING
        )
    )
    WHERE kind IN ('subscribe', 'cancel') OR coalesce(latest_cancel < seq, true)
),
begun AS (
    SELECT * FROM (
        SELECT *, max(CASE WHEN is_idle THEN seq END) OVER (
            {_OF_ONE} ORDER BY effective, seq ROWS UNBOUNDED PRECEDING
        ) AS latest_idle
        FROM (
            SELECT *, kind = 'cancel' AND coalesce(lag(kind) OVER (
                {_OF_ONE} ORDER BY effective, seq
            ) = 'cancel', true) AS is_idle
            FROM standing
        )
    )
    WHERE kind <> 'subscribe' OR coalesce(latest_idle < seq, true)
),
named AS (
    SELECT * REPLACE (last_value(CASE WHEN kind <> 'cancel' THEN label END IGNORE NULLS) OVER (
        PARTITION BY as_of, customer, subscription, beginning ORDER BY effective, seq
        ROWS UNBOUNDED PRECEDING
    ) AS label)
    FROM (
        SELECT *, count(*) FILTER (WHERE kind = 'subscribe') OVER (
            {_OF_ONE} ORDER BY effective, seq ROWS UNBOUNDED PRECEDING
        ) AS beginning
        FROM begun
    )
)"""

# What a price, a plan and a discount were before and will be is asked of the same subscription.
_STRETCHES = f"""
stretches AS MATERIALIZED (
    SELECT
        *, max(CASE WHEN NOT goes_on THEN start END) OVER (
            {_OF_ONE} ORDER BY start ROWS UNBOUNDED PRECEDING
        ) AS price_began
    FROM (
        SELECT
            *,
            coalesce(
                start = lag(finish) OVER by_start AND paid = lag(paid) OVER by_start
                AND label IS NOT DISTINCT FROM lag(label) OVER by_start, false
            ) AS goes_on,
            min(CASE WHEN listed > 0 AND paid >= listed THEN start END) OVER (
                {_OF_ONE} ORDER BY start ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
            ) AS full_price_from,
            CASE WHEN coalesce(lead(start) OVER by_start <> finish, true) THEN closed_by
            END AS notice
        FROM closed
        WINDOW by_start AS ({_OF_ONE} ORDER BY start)
    )
)"""

_SPELLS = """
spells AS (
    SELECT as_of, customer, min(start) AS start, max(finish) AS finish
    FROM (
        SELECT *, sum(CAST(is_new AS INTEGER)) OVER by_start AS spell
        FROM (
            SELECT *, coalesce(start - max(finish) OVER (
                PARTITION BY as_of, customer ORDER BY start, finish, seq
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) > {grace}, true) AS is_new
            FROM stretches
        )
        WINDOW by_start AS (
            PARTITION BY as_of, customer ORDER BY start, finish, seq ROWS UNBOUNDED PRECEDING
        )
    )
    GROUP BY as_of, customer, spell
)"""

_SPELL_NOW = """
spell_now AS (
    SELECT
        s.as_of, s.customer, s.finish,
        CASE WHEN bool_or(e.seq IS NOT NULL) OR bool_or(is_return) THEN s.start
             ELSE least(s.start, min(epoch_us(c.acquired_at))) END AS relationship_start
    FROM (
        SELECT *, lag(start) OVER (PARTITION BY as_of, customer ORDER BY start) IS NOT NULL
            AS is_return
        FROM spells
    ) s
    LEFT JOIN plan_events e
        ON e.as_of = s.as_of AND e.customer = s.customer AND e.kind = 'subscribe'
        AND e.effective = s.start
    LEFT JOIN population p ON p.customer = s.customer
    LEFT JOIN customers c ON c.customer_id = p.customer_id
    WHERE s.start <= s.as_of AND s.as_of < s.finish
    GROUP BY s.as_of, s.customer, s.start, s.finish
)"""

_CONTRACTIONS = f"""
contractions AS (
    SELECT as_of, customer, count(*) AS n
    FROM (
        SELECT *, lag(n_open) OVER (PARTITION BY as_of, customer ORDER BY instant) AS n_before
        FROM (
            SELECT as_of, customer, instant,
                sum(sum(change)) OVER (PARTITION BY as_of, customer ORDER BY instant) AS n_open
            FROM (
                SELECT as_of, customer, start AS instant, 1 AS change FROM stretches
                UNION ALL
                SELECT as_of, customer, finish, -1 FROM stretches WHERE finish < {NEVER}
            )
            GROUP BY as_of, customer, instant
        )
    )
    WHERE n_open < n_before AND n_open > 0
      AND instant >= as_of - 365 * {DAY} AND instant <= as_of
    GROUP BY as_of, customer
)"""


def subscription_tables(rules: CustomerRules) -> list[str]:
    """Return the common tables: stretches at one price, moves, spells, contractions."""
    return [
        _STANDING,
        _closed(rules),
        _STRETCHES,
        _MOVES,
        _SPELLS.format(grace=rules.rejoin_grace_days * DAY),
        _SPELL_NOW,
        _CONTRACTIONS,
    ]


def _closed(rules: CustomerRules) -> str:
    lapse = f"CASE WHEN term > 0 THEN later_by(effective, term) ELSE {NEVER} END"
    finish = f"least(following, {lapse})" if rules.term_end == "lapses" else "following"
    return f"""
closed AS (
    SELECT
        *, CASE WHEN next_kind = 'cancel' AND finish = following THEN next_occurred END AS closed_by
    FROM (
        SELECT *, effective AS start, {finish} AS finish
        FROM (
            SELECT
                *, coalesce(lead(effective) OVER in_effect, {NEVER}) AS following,
                lead(kind) OVER in_effect AS next_kind,
                lead(occurred) OVER in_effect AS next_occurred
            FROM named
            WINDOW in_effect AS ({_OF_ONE} ORDER BY effective, seq)
        )
    )
    WHERE kind <> 'cancel' AND finish > start
)"""

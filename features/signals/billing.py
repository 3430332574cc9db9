"""Signals of billing: failed payments and their recovery, payments, refunds, costs caused."""

from functools import reduce
from operator import add

from features.expressions import Count, CountSince, DaysSince, Expression, Total
from features.signal import SUBSCRIPTION, Family, Signal

_BILLING = Family("billing")
_OF_SUBSCRIBERS = Family("billing", SUBSCRIPTION)

_FAILURES = (
    *_BILLING.windows(
        "failed_payments",
        "Payments that failed",
        "count",
        lambda days: Count("payment_failed", days),
        (7, 30, 90, 180, 365),
        "rises",
    ),
    _BILLING.signal(
        "days_since_failed_payment",
        "Days since the latest failed payment; missing where there was none.",
        "days",
        DaysSince("payment_failed"),
        "falls",
    ),
    _BILLING.signal(
        "failed_payments_in_a_row",
        "Payments that failed since the latest that succeeded.",
        "count",
        CountSince("payment_failed", "payment"),
        "rises",
    ),
    _BILLING.signal(
        "recovered_share_365d",
        "Share of the payments that failed in the last 365 days that the next one made good.",
        "share",
        Count("failure_recovered", 365) / Count("payment_failed", 365),
        "falls",
        days=365,
    ),
    _BILLING.signal(
        "failed_amount_90d",
        "Money due in payments that failed in the last 90 days.",
        "money",
        Total("payment_failed", 90),
        "rises",
        days=90,
    ),
)
_PAYMENTS = (
    *_OF_SUBSCRIBERS.windows(
        "payments",
        "Payments",
        "count",
        lambda days: Count("payment", days),
        (30, 90, 365),
        "falls",
    ),
    *_OF_SUBSCRIBERS.windows(
        "paid", "Money paid", "money", lambda days: Total("payment", days), (90, 365), "falls"
    ),
    _OF_SUBSCRIBERS.signal(
        "days_since_payment",
        "Days since the latest payment; missing where there was none.",
        "days",
        DaysSince("payment"),
        "rises",
    ),
)
_REFUNDS_AND_COSTS = (
    *_BILLING.windows(
        "refunds",
        "Refunds, or things returned,",
        "count",
        lambda days: Count("refund", days),
        (30, 90, 365),
        "rises",
    ),
    *_BILLING.windows(
        "refunded_share",
        "Money refunded over money paid",
        "share",
        lambda days: Total("refund", days) / Total("payment", days),
        (90, 365),
        "rises",
    ),
    _BILLING.signal(
        "days_since_refund",
        "Days since the latest refund; missing where there was none.",
        "days",
        DaysSince("refund"),
        "falls",
    ),
    *_BILLING.windows(
        "costs",
        "Variable costs the customer caused",
        "money",
        lambda days: Total("cost", days),
        (30, 90, 365),
    ),
    _BILLING.signal(
        "days_since_cost",
        "Days since the latest cost the customer caused; missing where there was none.",
        "days",
        DaysSince("cost"),
    ),
)

SIGNALS = (*_FAILURES, *_PAYMENTS, *_REFUNDS_AND_COSTS)


def signals_of_extra_revenue(labels: tuple[str, ...]) -> tuple[Signal, ...]:
    """Return the signals of what a subscriber pays beside the subscription; none without labels."""
    if not labels:
        return ()

    def over(days: int) -> Expression:
        return reduce(add, [Total(f"payment:{label}", days) for label in labels])

    windows = (30, 90, 365)
    return tuple(
        _OF_SUBSCRIBERS.windows("extra_revenue", "Extra revenue", "money", over, windows, "falls")
    )

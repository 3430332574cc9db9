"""Signals of billing: failed payments, refunds, costs caused."""

from features.expressions import Count, DaysSince, Total
from features.signal import Signal

SIGNALS = (
    *(
        Signal(
            f"failed_payments_{days}d",
            f"Payments that failed in the last {days} days.",
            "count",
            Count("payment_failed", days),
            "billing",
            "rises",
            days,
        )
        for days in (30, 90, 365)
    ),
    Signal(
        "days_since_failed_payment",
        "Days since the latest failed payment; missing where there was none.",
        "days",
        DaysSince("payment_failed"),
        "billing",
        "falls",
    ),
    Signal(
        "refunds_365d",
        "Refunds in the last 365 days.",
        "count",
        Count("refund", 365),
        "billing",
        "rises",
        365,
    ),
    Signal(
        "refunded_share_365d",
        "Money refunded over money paid in the last 365 days.",
        "share",
        Total("refund", 365) / Total("payment", 365),
        "billing",
        "rises",
        365,
    ),
    *(
        Signal(
            f"costs_{days}d",
            f"Variable costs the customer caused in the last {days} days.",
            "money",
            Total("cost", days),
            "billing",
            "depends",
            days,
        )
        for days in (90, 365)
    ),
)

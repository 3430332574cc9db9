"""Signals of how long the relationship has lasted."""

from features.expressions import Count, DaysSince, PlanState
from features.signal import Signal

SIGNALS = (
    Signal(
        "tenure_months",
        "Whole months since the relationship began.",
        "months",
        PlanState("tenure_months"),
        "tenure",
        "falls",
        contracts=("subscription",),
    ),
    Signal(
        "subscriptions_begun",
        "Subscriptions begun so far; more than one means a return or a second line.",
        "count",
        Count("subscribe"),
        "tenure",
        contracts=("subscription",),
    ),
    Signal(
        "open_subscriptions",
        "Subscriptions open now.",
        "count",
        PlanState("open_subscriptions"),
        "tenure",
        "falls",
        contracts=("subscription",),
    ),
    Signal(
        "days_since_first_purchase",
        "Days since the first purchase (T of the purchase models).",
        "days",
        DaysSince("purchase", "first"),
        "tenure",
        contracts=("transactional",),
    ),
)

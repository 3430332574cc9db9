"""Signals of how long the relationship has lasted, and of the time of year."""

from features.expressions import Count, DaysSince, PlanState, Season
from features.signal import SUBSCRIPTION, TRANSACTIONAL, Family

_SUBSCRIBER = Family("tenure", SUBSCRIPTION)
_BUYER = Family("tenure", TRANSACTIONAL)
SEASON = "season"
"""The group of signals that say nothing but the time of year."""
_SEASON = Family(SEASON)

SIGNALS = (
    _SUBSCRIBER.signal(
        "tenure_months",
        "Whole months since the relationship began.",
        "months",
        PlanState("tenure_months"),
        "falls",
    ),
    _SUBSCRIBER.signal(
        "subscriptions_begun",
        "Subscriptions begun so far; more than one means a return or a second line.",
        "count",
        Count("subscribe"),
    ),
    _SUBSCRIBER.signal(
        "open_subscriptions",
        "Subscriptions open now.",
        "count",
        PlanState("open_subscriptions"),
        "falls",
    ),
    _BUYER.signal(
        "days_since_first_purchase",
        "Days since the first purchase (T of the purchase models).",
        "days",
        DaysSince("purchase", "first"),
    ),
    _SEASON.signal("as_of_month", "Calendar month of as_of.", "month", Season("month")),
    _SEASON.signal(
        "season_sine",
        "Sine of the calendar month on the circle of the year: 1 in April, -1 in October.",
        "number",
        Season("sine"),
    ),
    _SEASON.signal(
        "season_cosine",
        "Cosine of the calendar month on the circle of the year: 1 in January, -1 in July.",
        "number",
        Season("cosine"),
    ),
)

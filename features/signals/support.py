"""Signals of support: requests, severity, what is still open."""

from features.expressions import Count, DaysSince
from features.signal import Signal

_GROUP = "support"

SIGNALS = (
    *(
        Signal(
            f"support_{days}d",
            f"Support requests in the last {days} days.",
            "count",
            Count("support", days),
            _GROUP,
            "rises",
            days,
        )
        for days in (30, 90, 365)
    ),
    Signal(
        "support_high_90d",
        "Support requests of high severity in the last 90 days.",
        "count",
        Count("support:high", 90),
        _GROUP,
        "rises",
        90,
    ),
    Signal(
        "support_unresolved_90d",
        "Support requests less resolutions in the last 90 days.",
        "count",
        Count("support", 90) - Count("support_resolved", 90),
        _GROUP,
        "rises",
        90,
    ),
    Signal(
        "days_since_support",
        "Days since the latest support request; missing where there was none.",
        "days",
        DaysSince("support"),
        _GROUP,
        "falls",
    ),
)

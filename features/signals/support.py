"""Signals of support: requests, severity, what is still open."""

from collections.abc import Iterator

from features.expressions import Count, CountSince, DaysSince
from features.signal import Family, Signal

_SUPPORT = Family("support")

SIGNALS = (
    *_SUPPORT.windows(
        "support",
        "Support requests",
        "count",
        lambda days: Count("support", days),
        (7, 30, 90, 180, 365),
        "rises",
    ),
    _SUPPORT.signal(
        "support_unresolved_90d",
        "Support requests less resolutions in the last 90 days.",
        "count",
        Count("support", 90) - Count("support_resolved", 90),
        "rises",
        days=90,
    ),
    _SUPPORT.signal(
        "support_since_resolved",
        "Support requests since the latest resolution.",
        "count",
        CountSince("support", "support_resolved"),
        "rises",
    ),
    _SUPPORT.signal(
        "days_since_support",
        "Days since the latest support request; missing where there was none.",
        "days",
        DaysSince("support"),
        "falls",
    ),
    _SUPPORT.signal(
        "days_since_support_resolved",
        "Days since the latest resolution; missing where there was none.",
        "days",
        DaysSince("support_resolved"),
    ),
)


def signals_of_severity(severity: str) -> Iterator[Signal]:
    """Yield the signals of support requests of one severity."""
    happening = f"support:{severity}"
    return _SUPPORT.windows(
        f"support_{severity}",
        f"Support requests of severity {severity}",
        "count",
        lambda days: Count(happening, days),
        (30, 90, 365),
        "rises",
    )

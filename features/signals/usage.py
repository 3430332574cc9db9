"""Signals of usage: how much, how often, how broad, and which way it goes."""

from features.expressions import ActiveDays, Count, DaysSince, DistinctLabels, Expression, Total
from features.signal import Signal

_GROUP = "usage"


def _trend(recent: Expression, recent_days: int, whole: Expression, whole_days: int) -> Expression:
    return (recent / recent_days) / (whole / whole_days)


SIGNALS = (
    *(
        Signal(
            f"usage_events_{days}d",
            f"Usage records in the last {days} days.",
            "count",
            Count("usage", days),
            _GROUP,
            "falls",
            days,
        )
        for days in (7, 30, 90)
    ),
    *(
        Signal(
            f"usage_days_{days}d",
            f"Days with usage in the last {days} days.",
            "days",
            ActiveDays("usage", days),
            _GROUP,
            "falls",
            days,
        )
        for days in (30, 90)
    ),
    Signal(
        "days_since_usage",
        "Days since the latest usage; missing where there was none.",
        "days",
        DaysSince("usage"),
        _GROUP,
        "rises",
    ),
    Signal(
        "usage_metrics_30d",
        "Distinct things used in the last 30 days.",
        "count",
        DistinctLabels("usage", 30),
        _GROUP,
        "falls",
        30,
    ),
    Signal(
        "usage_trend_30d",
        "Usage records a day in the last 30 days over those of the last 180.",
        "ratio",
        _trend(Count("usage", 30), 30, Count("usage", 180), 180),
        _GROUP,
        "falls",
        30,
    ),
)


def signals_of_metric(metric: str) -> tuple[Signal, ...]:
    """Return the signals of one usage metric: level, and trend against the own past."""
    usage = f"usage:{metric}"
    return (
        *(
            Signal(
                f"{metric}_{days}d",
                f"Sum of {metric} in the last {days} days.",
                metric,
                Total(usage, days),
                _GROUP,
                "falls",
                days,
            )
            for days in (30, 90)
        ),
        Signal(
            f"{metric}_trend_30d",
            f"{metric} a day in the last 30 days over that of the last 180.",
            "ratio",
            _trend(Total(usage, 30), 30, Total(usage, 180), 180),
            _GROUP,
            "falls",
            30,
        ),
    )

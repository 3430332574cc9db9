"""Signals of usage: how much, how often, how broad, and which way it goes."""

from collections.abc import Callable

from features.expressions import (
    ActiveDays,
    Allowance,
    Count,
    DaysSince,
    DistinctLabels,
    Expression,
    Total,
)
from features.signal import SUBSCRIPTION, Family, Signal

_USAGE = Family("usage")
_OF_SUBSCRIBERS = Family("usage", SUBSCRIPTION)
_WINDOWS = (7, 30, 90, 180, 365)


def _trend(
    amount: Callable[[int], Expression], happening: str, recent_days: int, whole_days: int
) -> Expression:
    """Return the daily amount of a recent window over that of a longer one.

    Where the first use lies within a window, the days before it do not count.
    """
    known_days = DaysSince(happening, "first")
    recent = amount(recent_days) / known_days.at_most(recent_days)
    return recent / (amount(whole_days) / known_days.at_most(whole_days))


SIGNALS = (
    *_USAGE.windows(
        "usage_events",
        "Usage records",
        "count",
        lambda days: Count("usage", days),
        _WINDOWS,
        "falls",
    ),
    *_USAGE.windows(
        "usage_days",
        "Days with usage",
        "days",
        lambda days: ActiveDays("usage", days),
        (7, 30, 90, 180),
        "falls",
    ),
    *_USAGE.windows(
        "usage_days_share",
        "Share of days with usage",
        "share",
        lambda days: ActiveDays("usage", days) / days,
        (30,),
        "falls",
    ),
    _USAGE.signal(
        "usage_days_trend_30d",
        "Share of days with usage in the last 30 days over that in the last 180.",
        "ratio",
        _trend(lambda days: ActiveDays("usage", days), "usage", 30, 180),
        "falls",
        days=30,
    ),
    _USAGE.signal(
        "days_since_usage",
        "Days since the latest usage; missing where there was none.",
        "days",
        DaysSince("usage"),
        "rises",
    ),
    _USAGE.signal(
        "days_since_first_usage",
        "Days since the first usage; missing where there was none.",
        "days",
        DaysSince("usage", "first"),
    ),
    *_USAGE.windows(
        "usage_metrics",
        "Distinct things used",
        "count",
        lambda days: DistinctLabels("usage", days),
        (30, 90),
        "falls",
    ),
    *(
        _USAGE.signal(
            f"usage_trend_{recent}d",
            f"Usage records a day in the last {recent} days over those of the last {whole}.",
            "ratio",
            _trend(lambda days: Count("usage", days), "usage", recent, whole),
            "falls",
            days=recent,
        )
        for recent, whole in ((7, 30), (30, 180), (90, 365))
    ),
)


def signals_of_metric(metric: str, *, has_allowances: bool = False) -> tuple[Signal, ...]:
    """Return the signals of one usage metric: level, trend against the own past, active days."""
    happening = f"usage:{metric}"

    def total(days: int) -> Expression:
        return Total(happening, days)

    return (
        *_USAGE.windows(metric, f"Sum of {metric}", metric, total, _WINDOWS, "falls"),
        *(
            _USAGE.signal(
                f"{metric}_trend_{recent}d",
                f"{metric} a day in the last {recent} days over that of the last {whole}.",
                "ratio",
                _trend(total, happening, recent, whole),
                "falls",
                days=recent,
            )
            for recent, whole in ((30, 180), (90, 365))
        ),
        *_USAGE.windows(
            f"{metric}_days_share",
            f"Share of days with {metric}",
            "share",
            lambda days: ActiveDays(happening, days) / days,
            (30,),
            "falls",
        ),
        _USAGE.signal(
            f"days_since_{metric}",
            f"Days since the latest {metric}; missing where there was none.",
            "days",
            DaysSince(happening),
            "rises",
        ),
        *(_signals_of_allowance(metric) if has_allowances else ()),
    )


def _signals_of_allowance(metric: str) -> tuple[Signal, ...]:
    return tuple(
        _OF_SUBSCRIBERS.windows(
            f"{metric}_of_allowance",
            f"Sum of {metric} over the monthly allowance of the plans held now,",
            "share",
            lambda days: Total(f"usage:{metric}", days) / Allowance(metric),
            (30,),
            "falls",
        )
    )

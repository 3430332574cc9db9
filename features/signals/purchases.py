"""Signals of purchase rhythm: how often, how regularly, how much, and how long ago."""

from features.expressions import (
    Count,
    DaysSince,
    DistinctLabels,
    Expression,
    Latest,
    Total,
)
from features.signal import Risk, Signal

_GROUP = "purchases"
_FIRST, _LATEST = DaysSince("purchase", "first"), DaysSince("purchase")
_REPEATS = Count("repeat_purchase")
_MEAN_GAP = (_FIRST - _LATEST) / _REPEATS


def _windowed(name: str, what: str, unit: str, days: int, *, money: bool) -> Signal:
    expression = Total("purchase", days) if money else Count("purchase", days)
    return Signal(
        f"{name}_{days}d",
        f"{what} in the last {days} days.",
        unit,
        expression,
        _GROUP,
        "falls",
        days,
        ("transactional",),
    )


def _rhythm(name: str, sentence: str, unit: str, expression: Expression, risk: Risk) -> Signal:
    return Signal(name, sentence, unit, expression, _GROUP, risk, contracts=("transactional",))


SIGNALS = (
    *(
        _windowed("purchases", "Purchases", "count", days, money=False)
        for days in (30, 90, 180, 365)
    ),
    *(_windowed("spend", "Money spent", "money", days, money=True) for days in (30, 90, 365)),
    _rhythm(
        "repeat_purchases",
        "Purchases after the first (x of the purchase models).",
        "count",
        _REPEATS,
        "falls",
    ),
    _rhythm("days_since_purchase", "Days since the latest purchase.", "days", _LATEST, "rises"),
    _rhythm(
        "age_at_latest_purchase",
        "Days from the first to the latest purchase (t_x of the purchase models).",
        "days",
        _FIRST - _LATEST,
        "falls",
    ),
    _rhythm(
        "mean_gap_days",
        "Mean days between purchases; missing after one.",
        "days",
        _MEAN_GAP,
        "rises",
    ),
    _rhythm(
        "gap_ratio",
        "Days since the latest purchase over the mean gap; above 1 is overdue.",
        "ratio",
        _LATEST / _MEAN_GAP,
        "rises",
    ),
    _rhythm(
        "mean_basket",
        "Mean value of a purchase.",
        "money",
        Total("purchase") / Count("purchase"),
        "depends",
    ),
    _rhythm(
        "basket_trend",
        "Mean basket of the last 180 days over that of all time.",
        "ratio",
        (Total("purchase", 180) / Count("purchase", 180)) / (Total("purchase") / Count("purchase")),
        "falls",
    ),
    _rhythm(
        "latest_basket", "Value of the latest purchase.", "money", Latest("purchase"), "depends"
    ),
    Signal(
        "purchase_trend_90d",
        "Purchases a day in the last 90 days over those of the last 365.",
        "ratio",
        (Count("purchase", 90) / 90) / (Count("purchase", 365) / 365),
        _GROUP,
        "falls",
        90,
        ("transactional",),
    ),
    Signal(
        "categories_180d",
        "Distinct categories bought in the last 180 days.",
        "count",
        DistinctLabels("payment", 180),
        _GROUP,
        "falls",
        180,
        ("transactional",),
    ),
)

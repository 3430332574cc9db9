"""Signals of purchase rhythm: how often, how regularly, how much, and how long ago."""

from collections.abc import Callable

from features.expressions import (
    ActiveDays,
    Count,
    CountSince,
    DaysSince,
    Deviation,
    DistinctLabels,
    Expression,
    Largest,
    Latest,
    Mean,
    Total,
)
from features.signal import TRANSACTIONAL, Family

_BUYER = Family("purchases", TRANSACTIONAL)
_WINDOWS = (7, 30, 90, 180, 365)
_FIRST, _LATEST = DaysSince("purchase", "first"), DaysSince("purchase")
_REPEATS = Count("repeat_purchase")
_MEAN_GAP = (_FIRST - _LATEST) / _REPEATS
_MEAN_BASKET = Total("purchase") / Count("purchase")


def _basket(days: int) -> Expression:
    return Total("purchase", days) / Count("purchase", days)


def _trend(amount: Callable[[int], Expression], recent_days: int, whole_days: int) -> Expression:
    """Return the daily amount of a recent window over that of a longer one."""
    recent = amount(recent_days) / _FIRST.at_most(recent_days)
    return recent / (amount(whole_days) / _FIRST.at_most(whole_days))


_LEVEL = (
    *_BUYER.windows(
        "purchases", "Purchases", "count", lambda n: Count("purchase", n), _WINDOWS, "falls"
    ),
    *_BUYER.windows(
        "spend", "Money spent", "money", lambda n: Total("purchase", n), _WINDOWS, "falls"
    ),
    _BUYER.signal("spend", "Money spent so far.", "money", Total("purchase"), "falls"),
    *_BUYER.windows(
        "purchase_days",
        "Days with a purchase",
        "days",
        lambda n: ActiveDays("purchase", n),
        (90, 365),
        "falls",
    ),
)
_RHYTHM = (
    _BUYER.signal(
        "repeat_purchases",
        "Purchases after the first (x of the purchase models).",
        "count",
        _REPEATS,
        "falls",
    ),
    _BUYER.signal(
        "days_since_purchase", "Days since the latest purchase.", "days", _LATEST, "rises"
    ),
    _BUYER.signal(
        "age_at_latest_purchase",
        "Days from the first to the latest purchase (t_x of the purchase models).",
        "days",
        _FIRST - _LATEST,
        "falls",
    ),
    _BUYER.signal(
        "mean_gap_days",
        "Mean days between purchases; missing after one.",
        "days",
        _MEAN_GAP,
        "rises",
    ),
    _BUYER.signal(
        "latest_gap_days",
        "Days between the two latest purchases, by the minute; missing after one.",
        "days",
        Latest("purchase_gap"),
        "rises",
    ),
    _BUYER.signal(
        "longest_gap_days",
        "Longest time between two purchases in days; missing after one.",
        "days",
        Largest("purchase_gap"),
        "rises",
    ),
    _BUYER.signal(
        "gap_variation",
        "Standard deviation of the gaps between purchases over their mean: near 0 is regular.",
        "ratio",
        Deviation("purchase_gap") / Mean("purchase_gap"),
    ),
    _BUYER.signal(
        "gap_ratio",
        "Days since the latest purchase over the mean gap; above 1 is overdue.",
        "ratio",
        _LATEST / _MEAN_GAP,
        "rises",
    ),
    _BUYER.signal(
        "longest_gap_ratio",
        "Days since the latest purchase over the longest gap so far.",
        "ratio",
        _LATEST / Largest("purchase_gap"),
        "rises",
    ),
    _BUYER.signal(
        "latest_gap_ratio",
        "The latest gap between purchases over the mean gap.",
        "ratio",
        Latest("purchase_gap") / _MEAN_GAP,
        "rises",
    ),
    *(
        _BUYER.signal(
            f"purchase_trend_{recent}d",
            f"Purchases a day in the last {recent} days over those of the last {whole}.",
            "ratio",
            _trend(lambda n: Count("purchase", n), recent, whole),
            "falls",
            days=recent,
        )
        for recent, whole in ((30, 180), (90, 365))
    ),
    _BUYER.signal(
        "purchases_since_refund",
        "Purchases since the latest refund, or so far.",
        "count",
        CountSince("purchase", "refund"),
        "falls",
    ),
)
_BASKETS = (
    _BUYER.signal("mean_basket", "Mean value of a purchase.", "money", _MEAN_BASKET),
    _BUYER.signal("latest_basket", "Value of the latest purchase.", "money", Latest("purchase")),
    _BUYER.signal("largest_basket", "Value of the largest purchase.", "money", Largest("purchase")),
    _BUYER.signal(
        "latest_basket_ratio",
        "Value of the latest purchase over the mean.",
        "ratio",
        Latest("purchase") / _MEAN_BASKET,
        "falls",
    ),
    *(
        _BUYER.signal(
            f"basket_trend_{days}d",
            f"Mean basket of the last {days} days over that of all time.",
            "ratio",
            _basket(days) / _MEAN_BASKET,
            "falls",
            days=days,
        )
        for days in (90, 180)
    ),
    *_BUYER.windows(
        "lines_per_basket",
        "Lines of a purchase, on average,",
        "lines",
        lambda days: Count("payment", days) / Count("purchase", days),
        (365,),
        "falls",
    ),
    *_BUYER.windows(
        "categories",
        "Distinct categories bought",
        "count",
        lambda days: DistinctLabels("payment", days),
        (90, 180, 365),
        "falls",
    ),
)

SIGNALS = (*_LEVEL, *_RHYTHM, *_BASKETS)

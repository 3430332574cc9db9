"""Business figures by calendar month: what a finance person reconciles an ingest with."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.happenings import purchases
from features.history import History
from features.instants import datetime_of
from features.months import Instants
from features.rules import CustomerRules
from features.timeline import timeline_of

_MONTH = "datetime64[M]"


@dataclass(frozen=True)
class MonthlyFigures:
    """Hold one calendar month (UTC): money in major units, at the month's end or over it.

    For subscriptions `active` counts customers with an open subscription at the end, `money` is
    MRR then, `left` counts those whose spell ended in the month, as a share of those active at
    its start `churn`. For a shop `active` counts buyers in the month, `money` is sales net of
    refunds, and `left` and `churn` are None. `per_active` is money by active customer (ARPU).
    """

    month: str
    active: int
    money: float
    left: int | None
    churn: float | None
    per_active: float | None


def monthly_figures(
    histories: Iterable[History], rules: CustomerRules, since: int, until: int
) -> list[MonthlyFigures]:
    """Return the figures of the calendar months between two instants, the last one cut short."""
    edges = _calendar_edges(since, until)
    is_shop = rules.contract == "transactional"
    sums = np.zeros((3, len(edges) - 1))
    before = 0.0
    minor_units = rules.minor_units
    for history in histories:
        if is_shop:
            sums += _shop_sums(history, edges)
        else:
            sums += _subscription_sums(history, rules, edges)
            before += float((timeline_of(history, rules).open_at(int(edges[0])) > 0).sum())
    active, money, left = sums
    at_start = np.concatenate([[before], active[:-1]])
    return [
        MonthlyFigures(
            month=f"{datetime_of(int(edges[month])):%Y-%m}",
            active=int(active[month]),
            money=float(money[month]) / minor_units,
            left=None if is_shop else int(left[month]),
            churn=None if is_shop else _ratio(left[month], at_start[month]),
            per_active=_ratio(money[month] / minor_units, active[month]),
        )
        for month in range(len(edges) - 1)
    ]


def _calendar_edges(since: int, until: int) -> Instants:
    first, last = (
        np.int64(at).astype("datetime64[us]").astype(_MONTH) for at in (since, until - 1)
    )
    starts = np.arange(first, last + np.timedelta64(1, "M")).astype("datetime64[us]")
    return np.append(starts.astype(np.int64), until)


def _subscription_sums(
    history: History, rules: CustomerRules, edges: Instants
) -> NDArray[np.float64]:
    timeline = timeline_of(history, rules)
    _, _, ends = timeline.spells
    month = np.searchsorted(edges, ends, side="right") - 1
    inside = (month >= 0) & (month < len(edges) - 1)
    left = np.bincount(month[inside], minlength=len(edges) - 1)
    last_moments = [int(edge) - 1 for edge in edges[1:]]
    active = [(timeline.open_at(at) > 0).sum() for at in last_moments]
    money = [timeline.mrr_at(at).sum() for at in last_moments]
    return np.array([active, money, left], dtype=np.float64)


def _shop_sums(history: History, edges: Instants) -> NDArray[np.float64]:
    rows, values = purchases(history)
    n_months = len(edges) - 1
    month = np.searchsorted(edges, history.occurred[rows], side="right") - 1
    inside = (month >= 0) & (month < n_months)
    pairs = np.unique(history.customer[rows[inside]] * n_months + month[inside])
    buyers = np.bincount(pairs % n_months, minlength=n_months)
    sales = np.bincount(month[inside], values[inside], n_months)
    refunded = history.of_kind("refund")
    month = np.searchsorted(edges, history.occurred[refunded], side="right") - 1
    inside = (month >= 0) & (month < n_months)
    refunds = np.bincount(month[inside], history.value[refunded[inside]], n_months)
    return np.array([buyers, sales - refunds, np.zeros(n_months)], dtype=np.float64)


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None

"""The shop model: how often buyers come back, for how much, and whether they come at all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.catalogue import signal_matrix
from features.kernel import Moment
from features.mistakes import InputRefusedError, Mistake
from features.months import MonthRule
from features.signal import Signal
from training.basket_anchor import BasketAnchor, fit_basket_anchor
from training.boosting import RowSample
from training.business import Business
from training.calibration import logit
from training.check import Check
from training.forecast import Curves, Forecast
from training.known import TWO_CYCLES_MONTHS, Known
from training.person_periods import Matrix
from training.purchase_anchor import Rhythm
from training.purchase_anchors import PurchaseAnchors, fit_purchase_anchors
from training.shop_margin import (
    RecentCosts,
    Sales,
    ShopMargin,
    fit_shop_margin,
    recent_costs,
    recent_sales,
)
from training.shop_residuals import ShopResiduals, fit_shop_residuals
from training.shop_rows import (
    UNSEEN,
    Buyers,
    ShopRows,
    buyers_at,
    shop_rows,
    stacked,
    stacked_rhythm,
)
from training.support import Support, drivers_of, level_counts, levels_of, ranges_of

_DAYS_A_CALENDAR_MONTH = 365.25 / 12
_FEWEST_BUYERS = 50
_LEAST = 1e-6


@dataclass(frozen=True)
class ShopModel:
    """Hold the fitted parts; `signals` are what the residuals were trained on, in order.

    `silent_share` is the share of buyers who did not buy in months 1..k, for naive formulas.
    `level` scales expected purchases by month, the last entry all later months; see
    `_guarded_level`.
    """

    signals: tuple[Signal, ...]
    counts: PurchaseAnchors
    basket: BasketAnchor
    residuals: ShopResiduals
    margin: ShopMargin
    silent_share: tuple[float, ...]
    level: tuple[float, ...] = (1.0,)
    support: Support = Support()  # noqa: RUF009 -- frozen value

    def forecast(self, moment: Moment, business: Business, n_months: int) -> Forecast:
        """Return the curves of every customer; zero, churn 1, for those who never bought."""
        buyers = buyers_at(moment)
        values = signal_matrix(moment, self.signals)[buyers.customer].astype(np.float32)
        weeks = weeks_ahead(n_months, business.month)
        expected = self.expected_purchases(values, buyers.rhythm, weeks)
        silent = self.no_purchase(values, buyers.rhythm, weeks)
        churn = np.maximum(silent, 1 - np.cumsum(expected, axis=1))
        sales = expected * self.expected_basket(values, buyers)[:, None]
        costs = recent_costs(moment.history, moment.as_of, business)
        seen = [part[buyers.customer].sum(axis=1) for part in (costs.flows, costs.exposure)]
        margin = self.margin.of_sales(sales, *seen)
        idle = self.margin.of_sales(np.zeros_like(sales), *seen)
        activity = np.minimum(1.0, expected * ((1 - churn[:, :1]) / expected[:, :1]))
        if_active = np.divide(margin, activity, out=np.zeros_like(margin), where=activity > 0)
        is_customer = np.ones(len(churn), dtype=bool)
        forecast = Forecast(is_customer, churn, activity, margin, if_active, idle_margin=idle)
        return _of_everybody(moment.history.n_customers, buyers.customer, forecast)

    def expected_purchases(self, values: Matrix, rhythm: Rhythm, weeks: Curves) -> Curves:
        """Return E[purchases in month k], shape (n_buyers, n_months)."""
        anchor = self.counts.monthly_purchases(rhythm, weeks)
        month = np.minimum(np.arange(len(weeks)), len(self.level) - 1)
        level = np.array(self.level)[month]
        return np.exp(self.residuals.of_counts(values, np.log(anchor))) * level

    def no_purchase(self, values: Matrix, rhythm: Rhythm, weeks: Curves) -> Curves:
        """Return P(no purchase in months 1..k), shape (n_buyers, n_months), never rising."""
        anchor = logit(_inside(self.counts.no_purchase(rhythm, weeks)))
        return np.minimum.accumulate(self.residuals.of_silence(values, anchor), axis=1)

    def expected_basket(self, values: Matrix, buyers: Buyers) -> NDArray[np.float64]:
        """Return the expected value of a purchase, shape (n_buyers,)."""
        anchor = self.basket.expected_basket(buyers.purchases, buyers.mean_basket)
        return np.exp(self.residuals.of_basket(values, np.log(np.maximum(anchor, _LEAST))))


def fit_shop(known: Known) -> tuple[ShopModel, list[Check]]:
    """Fit on what was known at a cutoff; the checks are on the later part of training.

    Raises
    ------
    InputRefusedError
        If fewer than 50 customers have bought, or nobody had a month before.
    """
    business, signals = known.business, known.signals
    landmarks = known.landmarks
    longest = min(max(mark.months_observed for mark in landmarks), business.horizon_months)
    n_before = 0
    parts: list[ShopRows] = []
    now: list[Buyers] = []
    values: list[Matrix] = []
    sales: list[Sales] = []
    costs: list[RecentCosts] = []
    levels: list[dict[str, Counter[str]]] = []
    for block in known.blocks():
        for part in shop_rows(block, landmarks, longest, business, signals):
            parts += [replace(part, buyer=n_before + part.buyer)]
        n_before += block.history.n_customers
        moment = Moment(block.history, block.profiles, known.cutoff, business, known.references)
        now.append(buyers_at(moment))
        values.append(signal_matrix(moment, signals)[now[-1].customer].astype(np.float32))
        sales.append(recent_sales(block, business))
        costs.append(recent_costs(block.history, known.cutoff, business))
        levels.append(level_counts(moment.profiles))
    _require_buyers(sum(len(buyers.customer) for buyers in now), has_rows=bool(parts))
    rhythm = stacked_rhythm([buyers.rhythm for buyers in now])
    counts = fit_purchase_anchors(rhythm)
    basket = fit_basket_anchor(
        np.concatenate([buyers.purchases for buyers in now]),
        np.concatenate([buyers.mean_basket for buyers in now]),
    )
    rows = stacked(parts)
    longest = rows.counts.shape[1]
    residuals, checks = _fit_residuals(rows, counts, basket, business.month, known.sample)
    margin = fit_shop_margin(sales, costs, business)
    support = Support.of_names(signals, _ranges(rows, signals, business.month), levels_of(levels))
    silent = _silent_share(rows)
    model = ShopModel(signals, counts, basket, residuals, margin, silent, support=support)
    if longest >= TWO_CYCLES_MONTHS and residuals.counts is not None:
        return model, checks
    weeks = weeks_ahead(longest, business.month)
    level = _guarded_level(model, np.concatenate(values), rhythm, weeks)
    return replace(model, level=level), checks


def _guarded_level(
    model: ShopModel, values: Matrix, rhythm: Rhythm, weeks: Curves
) -> tuple[float, ...]:
    """Return what brings each month's expected purchases to the total of BG/NBD.

    Before two seasonal cycles were seen, trees take a season or a young portfolio's cooling for
    a trend; they tell customers apart, the anchor gives the level. So it does without trees.
    """
    boosted = model.expected_purchases(values, rhythm, weeks).sum(axis=0)
    anchored = model.counts.level(rhythm, weeks).sum(axis=0)
    return tuple(float(share) for share in anchored / boosted)


def _fit_residuals(
    rows: ShopRows,
    counts: PurchaseAnchors,
    basket: BasketAnchor,
    month: MonthRule,
    sample: RowSample,
) -> tuple[ShopResiduals, list[Check]]:
    weeks = weeks_ahead(rows.counts.shape[1], month)
    return fit_shop_residuals(
        rows,
        np.log(counts.monthly_purchases(rows.rhythm, weeks)),
        logit(_inside(counts.no_purchase(rows.rhythm, weeks))),
        np.log(np.maximum(basket.expected_basket(rows.purchases, rows.mean_basket), _LEAST)),
        sample,
    )


def weeks_ahead(n_months: int, month: MonthRule) -> Curves:
    """Return the weeks from now to the end of month k, shape (n_months,)."""
    days = _DAYS_A_CALENDAR_MONTH if month == "calendar" else float(month)
    return np.arange(1, n_months + 1) * days / 7


def _silent_share(rows: ShopRows) -> tuple[float, ...]:
    seen = rows.counts != UNSEEN
    silent = np.cumsum(np.maximum(rows.counts, 0), axis=1) == 0
    return tuple(float(share) for share in (silent & seen).sum(axis=0) / seen.sum(axis=0))


def _ranges(
    rows: ShopRows, signals: Sequence[Signal], month: MonthRule
) -> dict[str, tuple[float, float]]:
    """Return the ranges of the drivers; a buyer's age went on until the cutoff."""
    columns = drivers_of(signals)
    drivers = [signals[column] for column in columns]
    first = rows.signals[:, columns]
    last = first.copy()
    days = 7 * weeks_ahead(int(-rows.landmark.min()), month)
    aged = [driver.name for driver in drivers].index("days_since_first_purchase")
    last[:, aged] += days[-rows.landmark - 1]
    return ranges_of(drivers, first, last, rows.landmark)


def _inside(share: Curves) -> Curves:
    """Return probabilities kept off 0 and 1 by the resolution of the link."""
    return np.clip(share, _LEAST, 1 - _LEAST)


def _of_everybody(n_customers: int, customer: NDArray[np.int64], buyers: Forecast) -> Forecast:
    """Return the forecast of buyers among that of those who never bought."""

    def spread(curves: Curves | None, of_others: float) -> Curves:
        everybody = np.full((n_customers, buyers.churn.shape[1]), of_others)
        everybody[customer] = curves
        return everybody

    is_customer = np.zeros(n_customers, dtype=bool)
    is_customer[customer] = True
    return Forecast(
        is_customer,
        spread(buyers.churn, 1.0),
        spread(buyers.activity, 0.0),
        spread(buyers.expected_margin, 0.0),
        spread(buyers.margin_if_active, 0.0),
        idle_margin=spread(buyers.idle_margin, 0.0),
    )


def _require_buyers(n_buyers: int, *, has_rows: bool) -> None:
    if n_buyers >= _FEWEST_BUYERS and has_rows:
        return
    who, n, least = "customers with a purchase", n_buyers, _FEWEST_BUYERS
    if n_buyers >= _FEWEST_BUYERS:
        who, n, least = f"{who} a month before", 0, 1
    expected = f"at least {least} needed; choose a later --as-of"
    raise InputRefusedError(
        "there are too few buyers to learn from", [Mistake(who, str(n), expected)]
    )

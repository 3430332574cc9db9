"""Boosted residuals of a shop on top of its anchors: counts, silence, basket."""

from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from training.boosting import Rows, RowSample, predict_margin
from training.calibration import LogitCalibration, fit_calibration, probability
from training.check import Check
from training.forecast import Curves
from training.person_periods import Matrix
from training.shop_rows import UNSEEN, ShopRows
from training.shop_trees import BuyerRows, fit_trees_that_help

FEWEST_ROWS = 2_000
_LATER_SHARE = 5


@dataclass(frozen=True)
class ShopResiduals:
    """Hold boosters on the link scale of each anchor; None leaves the anchor alone.

    So it is with too little history, and where no number of trees helps.
    """

    longest_month: int
    counts: xgb.Booster | None = None
    silence: xgb.Booster | None = None
    basket: xgb.Booster | None = None
    silence_calibration: LogitCalibration = LogitCalibration()  # noqa: RUF009 -- frozen value

    def of_counts(self, values: Matrix, log_anchor: Curves) -> Curves:
        """Return log E[purchases in month k], shape (n_buyers, n_months)."""
        return self._by_month(self.counts, values, log_anchor)

    def of_silence(self, values: Matrix, logit_anchor: Curves) -> Curves:
        """Return P(no purchase in months 1..k), shape (n_buyers, n_months)."""
        raised = self._by_month(self.silence, values, logit_anchor)
        return probability(self.silence_calibration.logit(raised))

    def of_basket(self, values: Matrix, log_anchor: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log of the expected basket, shape (n_buyers,)."""
        return predict_margin(self.basket, values, log_anchor)

    def _by_month(self, booster: xgb.Booster | None, values: Matrix, anchor: Curves) -> Curves:
        if booster is None:
            return anchor
        n_buyers, n_months = anchor.shape
        month = np.minimum(np.arange(1, n_months + 1), self.longest_month)
        rows = np.repeat(np.arange(n_buyers), n_months)
        inputs = with_month(values, rows, np.tile(month, n_buyers))
        return predict_margin(booster, inputs, anchor.ravel()).reshape(anchor.shape)


def fit_shop_residuals(
    rows: ShopRows,
    log_counts: Curves,
    logit_silence: Curves,
    log_basket: Curves,
    sample: RowSample,
) -> tuple[ShopResiduals, list[Check]]:
    """Fit the three residuals, and return them with their check on the later window.

    Anchors have shape (n_rows, longest) and (n_rows,).

    The months that end last, a fifth of the landmarks' span, decide how many trees there are.
    """
    longest = rows.counts.shape[1]
    bare = ShopResiduals(longest)
    row, month = np.nonzero(rows.counts != UNSEEN)
    if len(row) < FEWEST_ROWS:
        return bare, []
    row, month = _thinned(row, month, sample)
    later_from = -max(1, longest // _LATER_SHARE)
    is_later = rows.landmark[row] + month + 1 > later_from
    inputs = with_month(rows.signals, row, month + 1)
    counted = rows.counts[row, month].astype(np.float64)
    silent = np.cumsum(np.maximum(rows.counts, 0), axis=1)[row, month] == 0
    buyer, ones = rows.buyer[row], np.ones(len(row))
    of_counts = Rows(inputs, log_counts[row, month], counted, ones)
    of_silence = Rows(inputs, logit_silence[row, month], silent.astype(np.float64), ones)
    counts = fit_trees_that_help(
        BuyerRows(of_counts, is_later, buyer), "count:poisson", sample.seed
    )
    silence, calibration, check = _fit_silence(BuyerRows(of_silence, is_later, buyer), sample.seed)
    basket = _fit_basket(rows, log_basket, later_from, sample.seed)
    return ShopResiduals(longest, counts.booster, silence, basket, calibration), [check]


def with_month(values: Matrix, row: NDArray[np.int64], month: NDArray[np.int64]) -> Matrix:
    """Return signals by row with the month ahead as last column, shape (n, n_signals + 1)."""
    return np.column_stack([values[row], month.astype(np.float32)])


def _thinned(
    row: NDArray[np.int64], month: NDArray[np.int64], sample: RowSample
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if len(row) <= sample.most_rows:
        return row, month
    kept = np.random.default_rng(sample.seed).random(len(row)) < sample.most_rows / len(row)
    return row[kept], month[kept]


def _fit_silence(
    training: BuyerRows, seed: int
) -> tuple[xgb.Booster | None, LogitCalibration, Check]:
    """Return trees, their calibration on later rows of unseen buyers, and its check.

    All later rows of a buyer weigh as much as one: they tell of the same purchases. An anchor
    without trees needs no calibration: it was fitted on the later months, too.
    """
    boosted = fit_trees_that_help(training, "binary:logistic", seed)
    outcome, buyer = training.rows.outcome[training.is_later], training.buyer[training.is_later]
    _, number, n_rows = np.unique(buyer, return_inverse=True, return_counts=True)
    weight = 1 / n_rows[number]
    calibration = LogitCalibration()
    if boosted.booster is not None:
        calibration = fit_calibration(boosted.unseen_margin, outcome, weight)
    share = probability(calibration.logit(boosted.unseen_margin))
    return boosted.booster, calibration, Check("no purchase", share, outcome, weight)


def _fit_basket(
    rows: ShopRows, log_basket: NDArray[np.float64], later_from: int, seed: int
) -> xgb.Booster | None:
    bought = np.flatnonzero(rows.basket > 0)
    if len(bought) < FEWEST_ROWS:
        return None
    weight = np.maximum(rows.counts[bought], 0).sum(axis=1).astype(np.float64)
    training = Rows(rows.signals[bought], log_basket[bought], rows.basket[bought], weight)
    is_later = rows.landmark[bought] > 2 * later_from
    training_by_buyer = BuyerRows(training, is_later, rows.buyer[bought])
    return fit_trees_that_help(training_by_buyer, "reg:gamma", seed).booster

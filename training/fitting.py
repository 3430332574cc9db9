"""Fitting a bundle on what was known at a cutoff."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from training.bundle import Bundle
from training.check import Check
from training.explaining import background_of
from training.intervals import Intervals, fit_intervals
from training.known import Known
from training.leak_check import require_no_leak_at_a_landmark
from training.referrals import fit_referrals
from training.rolling import earlier_origins, window_months
from training.scoring import Scores, score
from training.shop import ShopModel, fit_shop
from training.subscription import SubscriptionModel, fit_subscription
from valuation.segments import SegmentCuts, segment_cuts

_NO_CUTS = SegmentCuts(top=0.0, high=0.0, low_risk=0.5, high_risk=0.5)


def fit_bundle(known: Known) -> tuple[Bundle, list[Check]]:
    """Fit the model that the contract calls for, and what scores need beside, at the cutoff.

    The checks show the fit on the later part of training, which decided when to stop.

    Raises
    ------
    InputRefusedError
        If there are too few outcomes to learn from.
    LeakFoundError
        If a signal knew at a landmark what came after it.
    """
    # Matrices of fits are small: on a busy machine threads of BLAS wait for each other, spinning.
    with threadpool_limits(1, user_api="blas"):
        return _bundle(known)


def _bundle(known: Known) -> tuple[Bundle, list[Check]]:
    require_no_leak_at_a_landmark(known)
    model, checks = _fitted(known)
    bare = Bundle(
        business=known.business,
        vocabulary=known.vocabulary,
        references=known.references,
        model=model,
        cuts=_NO_CUTS,
        cutoff=known.cutoff,
        observed_from=known.observed_from,
        data_fingerprint=known.log.fingerprint,
        n_customers=0,
    )
    parts = list(scores_of(bare, known))
    there = np.concatenate([part.forecast.is_customer for part in parts])
    value = np.concatenate([part.clv for part in parts])[there]
    months = known.business.risk_months
    churn = np.concatenate([part.forecast.churn[:, months - 1] for part in parts])[there]
    n_customers = int(there.sum())
    whole = replace(
        bare,
        cuts=segment_cuts(value, churn) if n_customers else _NO_CUTS,
        background=background_of(bare, known),
        referrals=fit_referrals(known, [part.forecast for part in parts]),
        intervals=_intervals(known, n_customers),
        n_customers=n_customers,
    )
    return whole, checks


def _intervals(known: Known, n_customers: int) -> Intervals | None:
    origins = earlier_origins(known, lambda then: _fitted(then)[0], n_customers)
    if not origins:
        return None
    return fit_intervals(origins, known.business.annual_discount_rate, window_months(known))


def scores_of(bundle: Bundle, known: Known) -> Iterator[Scores]:
    """Yield the scores of every block at the cutoff."""
    for block in known.blocks():
        yield score(bundle, block, known.cutoff)


def _fitted(known: Known) -> tuple[SubscriptionModel | ShopModel, list[Check]]:
    if known.business.contract == "subscription":
        return fit_subscription(known)
    return fit_shop(known)

"""Referrals: how many newcomers a customer is still expected to bring, and what one is worth.

A customer brings newcomers at a monthly rate of their own while active. The rate is drawn to the
portfolio's by credibility, which for counts is the posterior mean of a Poisson rate under a gamma
prior. It is read from invitations where they are recorded, which come more often than newcomers
and say more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block
from features.expressions import DaysSince
from features.history import History
from features.kernel import Moment
from features.months import NEVER, shift_months
from training.business import Business
from training.credibility import (
    WINDOW_MONTHS,
    Credibility,
    credibility_as_json,
    credibility_from_json,
    fit_credibility,
)
from training.flows import Flows
from training.forecast import Curves, Forecast
from training.known import Known
from training.outcomes import purchases_by_month
from valuation.discounting import discount_factors
from valuation.lifetime_value import clv
from valuation.referrals import referral_value

FEWEST_CONVERSIONS = 20
"""Fewer in a year are no rate, and as few newcomers would point at people."""
_NEWCOMER_DAYS = (92, 366)
INVITED: Literal["referral"] = "referral"
JOINED: Literal["referral_joined"] = "referral_joined"
Kind = Literal["referral", "referral_joined"]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class ReferralModel:
    """Hold the rate of `kind` a month as an active customer, and newcomers for each of them.

    `newcomer_margin` (n_months,) is the expected margin by month of a newcomer, undiscounted, who
    may already have left.
    """

    kind: Kind
    rate: Credibility
    newcomers_each: float
    newcomer_margin: tuple[float, ...]

    def conversions(self, moment: Moment, business: Business, activity: Curves) -> Curves:
        """Return the expected newcomers by month ahead, shape of `activity` (n, n_months)."""
        count, exposure = recent_counts(moment, business, self.kind)
        rate = self.rate.expected(count.sum(axis=1), exposure.sum(axis=1))
        return self.newcomers_each * rate[:, None] * activity

    def value(
        self, moment: Moment, business: Business, activity: Curves, annual_discount_rate: float
    ) -> Values:
        """Return the referral value of each customer over the months of `activity`, shape (n,).

        Newcomers count discounted to today by the month they come in.
        """
        months = activity.shape[1]
        margin = np.array([self.newcomer_margin])[:, :months]
        worth = float(clv(margin, annual_discount_rate)[0])
        coming = self.conversions(moment, business, activity)
        # Not a product of matrices: that rounds by how many customers there are.
        discounted = np.sum(coming * discount_factors(months, annual_discount_rate), axis=1)
        return referral_value(discounted, worth, business.referral_reward)


def recent_counts(moment: Moment, business: Business, kind: Kind) -> tuple[Values, Values]:
    """Return how often, and exposure, in the twelve months before, (n_customers, 12) each.

    Exposure is the share of each month as a customer; in a shop 1 for a month with a purchase.
    """
    edges = shift_months(moment.as_of, np.arange(-WINDOW_MONTHS, 1), business.month)
    counts = counted(moment.history, kind, edges)
    if business.contract == "transactional":
        return counts, (purchases_by_month(moment.history, edges) > 0).astype(np.float64)
    until = np.full(moment.history.n_customers, NEVER)
    return counts, moment.timeline.open_share(edges, until)


def counted(history: History, kind: Kind, edges: NDArray[np.int64]) -> Values:
    """Return how many events of a kind fell between edges, shape (n_customers, n_edges - 1)."""
    rows = history.of_kind(kind)
    until = np.full(history.n_customers, NEVER)
    return Flows(rows, np.ones(len(rows))).by_month(history, edges, until)


def fit_referrals(known: Known, forecasts: Iterable[Forecast]) -> ReferralModel | None:
    """Fit on what was known at the cutoff; None with fewer than 20 newcomers in a year.

    `forecasts` are those of the blocks at the cutoff, in their order.
    """
    pairs = zip(known.blocks(), forecasts, strict=True)
    parts = [_seen(known, block, forecast) for block, forecast in pairs]
    invitations, joined = (
        float(sum(counts.sum() for counts in each))
        for each in ([part.invitations for part in parts], [part.joined for part in parts])
    )
    margin = _newcomer_margin(parts)
    if joined < FEWEST_CONVERSIONS or margin is None:
        return None
    by_invitations = invitations >= joined
    counts = [part.invitations if by_invitations else part.joined for part in parts]
    rate = fit_credibility(
        np.concatenate(counts), np.concatenate([part.exposure for part in parts])
    )
    kind: Kind = INVITED if by_invitations else JOINED
    return ReferralModel(kind, rate, joined / max(invitations, joined), tuple(margin.tolist()))


@dataclass(frozen=True)
class _Seen:
    """Hold a block's counts and exposure by month, whom its customers brought, who is new."""

    invitations: Values
    joined: Values
    exposure: Values
    brought: frozenset[str]
    customer_ids: NDArray[np.object_]
    is_referred: NDArray[np.bool_]
    days_here: Values
    margin: Curves


def _seen(known: Known, block: Block, forecast: Forecast) -> _Seen:
    business = known.business
    moment = Moment(block.history, block.profiles, known.cutoff, business, known.references)
    invitations, exposure = recent_counts(moment, business, INVITED)
    joined, _ = recent_counts(moment, business, JOINED)
    began = "purchase" if business.contract == "transactional" else "subscribe"
    days_here = moment.value(DaysSince(began, "first"))
    history = moment.history
    labels = np.unique(history.label[history.of_kind(JOINED)])
    new = np.flatnonzero(days_here <= _NEWCOMER_DAYS[-1])
    return _Seen(
        invitations,
        joined,
        exposure,
        frozenset(history.labels[label] for label in labels if label >= 0),
        history.customer_ids[new],
        moment.profiles.is_referred[new],
        days_here[new],
        forecast.expected_margin[new],
    )


def _newcomer_margin(parts: Sequence[_Seen]) -> Values | None:
    """Return the mean expected margin by month of newcomers, those who left included at zero.

    Of the referred ones of a quarter, else of a year; where they are fewer than 20, of all.
    """
    brought = frozenset[str]().union(*(part.brought for part in parts))
    margin = np.concatenate([part.margin for part in parts])
    days = np.concatenate([part.days_here for part in parts])
    named = (name in brought for part in parts for name in part.customer_ids)
    referred = np.concatenate([part.is_referred for part in parts])
    referred |= np.fromiter(named, dtype=bool, count=len(days))
    for among in (referred, np.ones(len(days), dtype=bool)):
        for longest in _NEWCOMER_DAYS:
            chosen = among & (days <= longest)
            if chosen.sum() >= FEWEST_CONVERSIONS:
                return np.asarray(margin[chosen].mean(axis=0))
    return None


def referrals_as_json(referrals: ReferralModel | None) -> dict[str, Any] | None:
    """Return a model of referrals as numbers."""
    if referrals is None:
        return None
    return asdict(referrals) | {"rate": credibility_as_json(referrals.rate)}


def referrals_from_json(parts: dict[str, Any] | None) -> ReferralModel | None:
    """Return what `referrals_as_json` wrote."""
    if parts is None:
        return None
    rate, margin = credibility_from_json(parts["rate"]), tuple(parts["newcomer_margin"])
    return ReferralModel(**(parts | {"rate": rate, "newcomer_margin": margin}))

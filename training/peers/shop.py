"""Peers of a shop: a model of purchases each, with Gamma-Gamma baskets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from features.kernel import Moment
from training.basket_anchor import BasketAnchor, fit_basket_anchor
from training.business import Business
from training.fit_errors import CannotBeFittedError
from training.forecast import Curves
from training.known import Known
from training.pareto_nbd import fit_pareto_nbd
from training.peers.peer import Answers, PeerAnswer, Values
from training.purchase_anchor import PurchaseAnchor, Rhythm, fit_purchase_anchor
from training.shop import weeks_ahead
from training.shop_margin import ShopMargin, fit_shop_margin, recent_costs, recent_sales
from training.shop_rows import Buyers, buyers_at, stacked_rhythm


class PurchaseModel(Protocol):
    """A model of when customers buy again."""

    def expected_purchases(self, rhythm: Rhythm, weeks: Curves) -> Curves:
        """Return E[purchases in the coming weeks], shape (n, len(weeks))."""
        ...

    def no_purchase(self, rhythm: Rhythm, weeks: Curves) -> Curves:
        """Return P(no purchase in the coming weeks), shape (n, len(weeks))."""
        ...


@dataclass(frozen=True)
class ShopPast:
    """Hold what peers are fitted on: rhythm and baskets (n_buyers,), and the margin of sales."""

    rhythm: Rhythm
    purchases: Values
    mean_basket: Values
    margin: ShopMargin


@dataclass(frozen=True)
class ShopPeer:
    """Answer by expected purchases times expected basket."""

    counts: PurchaseModel
    basket: BasketAnchor
    margin: ShopMargin

    def answers(self, moment: Moment, business: Business, months: Sequence[int]) -> Answers:
        """Return an answer for each number of months ahead.

        The median is the mean of those who rather buy than not, and without sales for the rest.
        """
        buyers = buyers_at(moment)
        weeks = weeks_ahead(max(months), business.month)[np.array(months) - 1]
        silent = self.counts.no_purchase(buyers.rhythm, weeks)
        basket = self.basket.expected_basket(buyers.purchases, buyers.mean_basket)
        sales = self.counts.expected_purchases(buyers.rhythm, weeks) * basket[:, None]
        idle = self._beside_sales(moment, business, buyers)[:, None] * np.array(months)
        mean = self.margin.margin_share * sales + idle
        median = np.where(silent < 0.5, mean, idle)
        return {
            month: PeerAnswer(*(_spread(moment, buyers, part[:, k]) for part in parts))
            for parts in [(silent, mean, median)]
            for k, month in enumerate(months)
        }

    def _beside_sales(self, moment: Moment, business: Business, buyers: Buyers) -> Values:
        """Return the margin a month without sales, shape (n_buyers,)."""
        costs = recent_costs(moment.history, moment.as_of, business)
        flows, exposure = (part[buyers.customer] for part in (costs.flows, costs.exposure))
        no_sales = np.zeros((len(flows), 1))
        return self.margin.of_sales(no_sales, flows.sum(axis=1), exposure.sum(axis=1))[:, 0]


def _bg_nbd(past: ShopPast) -> PurchaseModel:
    if not (past.rhythm.x > 0).any():
        raise CannotBeFittedError("nobody has bought twice.")
    anchor: PurchaseAnchor = fit_purchase_anchor(past.rhythm)
    return anchor


def _with_baskets(past: ShopPast, counts: PurchaseModel) -> ShopPeer:
    if not (past.mean_basket > 0).any():
        raise CannotBeFittedError("nobody has spent anything.")
    return ShopPeer(counts, fit_basket_anchor(past.purchases, past.mean_basket), past.margin)


FITS: Mapping[str, Callable[[ShopPast], ShopPeer]] = {
    "bg_nbd_gamma_gamma": lambda past: _with_baskets(past, _bg_nbd(past)),
    "pareto_nbd_gamma_gamma": lambda past: _with_baskets(past, fit_pareto_nbd(past.rhythm)),
}


def shop_past(known: Known) -> ShopPast:
    """Return what was known at the cutoff of everybody who had bought."""
    now, sales, costs = [], [], []
    for block in known.blocks():
        moment = Moment(
            block.history, block.profiles, known.cutoff, known.business, known.references
        )
        now.append(buyers_at(moment))
        sales.append(recent_sales(block, known.business))
        costs.append(recent_costs(block.history, known.cutoff, known.business))
    return ShopPast(
        stacked_rhythm([buyers.rhythm for buyers in now]),
        np.concatenate([buyers.purchases for buyers in now]),
        np.concatenate([buyers.mean_basket for buyers in now]),
        fit_shop_margin(sales, costs, known.business),
    )


def _spread(moment: Moment, buyers: Buyers, values: Values) -> Values:
    """Return values of buyers as values of all customers, 0 for the others."""
    every = np.zeros(moment.history.n_customers)
    every[buyers.customer] = values
    return every

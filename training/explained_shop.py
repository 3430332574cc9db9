"""What the shop model reads of a buyer, input by input."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.catalogue import signal_matrix
from features.kernel import Moment
from training.business import Business
from training.credibility import Credibility
from training.explained import (
    Money,
    Readings,
    Values,
    mean_where_known,
    read_by,
    recent_money,
)
from training.flows import cost_flows
from training.forecast import Curves
from training.players import BASKETS, RHYTHM, Input, input_of
from training.purchase_anchor import Rhythm
from training.shop import ShopModel, weeks_ahead
from training.shop_margin import recent_costs
from training.shop_rows import Buyers, buyers_at

REPEATS_OF_BANDS = (0, 1, 2, 4, 8, 16, 32)
"""Fewest repeat purchases of each band of frequency."""
_ANCHORED = (
    Input("repeat_purchases_so_far", RHYTHM),
    Input("weeks_from_first_to_latest", RHYTHM),
    Input("weeks_since_first", RHYTHM),
    Input("purchases_so_far", BASKETS),
    Input("mean_basket_so_far", BASKETS),
)


@dataclass(frozen=True)
class ExplainedShop:
    """Say what a shop model reads, and what it expects of it.

    The group of a buyer is the band of frequency.
    """

    model: ShopModel
    business: Business

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The signals that trees were trained on, and what the anchors read beside."""
        signals = (input_of(signal, "transactional") for signal in self.model.signals)
        return (*signals, *_ANCHORED)

    def path_inputs(self, n_months: int) -> tuple[Input, ...]:  # noqa: ARG002 -- the Protocol's
        """Name nothing: a shop's customers have no plan."""
        return ()

    @property
    def credibility(self) -> Credibility:
        """How far a customer's own costs count."""
        return self.model.margin.costs

    @property
    def n_groups(self) -> int:
        """One for each band of frequency."""
        return len(REPEATS_OF_BANDS)

    @cached_property
    def is_read(self) -> NDArray[np.bool_]:
        """What the anchors read, and whatever a tree splits on."""
        residuals = self.model.residuals
        boosters = (residuals.counts, residuals.silence, residuals.basket)
        is_read = read_by(boosters, len(self.model.signals))
        return np.concatenate([is_read, np.ones(len(_ANCHORED), dtype=bool)])

    def read(self, moment: Moment, n_months: int) -> Readings:  # noqa: ARG002 -- the Protocol's
        """Return what is known of the customers who have bought."""
        buyers = buyers_at(moment)
        there, rhythm = buyers.customer, buyers.rhythm
        anchored = (rhythm.x, rhythm.t_x, rhythm.age, buyers.purchases, buyers.mean_basket)
        values = signal_matrix(moment, self.model.signals)[there]
        band = np.searchsorted(REPEATS_OF_BANDS, rhythm.x, side="right") - 1
        return Readings(
            there,
            band,
            band,
            np.column_stack([values, *anchored]),
            np.zeros((len(there), 0)),
            self.everybodys_money(moment).of(there),
        )

    def everybodys_money(self, moment: Moment) -> Money:
        """Return costs caused and costs to serve of all."""
        flows = cost_flows(moment.history, self.business)
        costs = recent_costs(moment.history, moment.as_of, self.business)
        return recent_money(moment, flows, costs.exposure, self.business)

    def typical(self, inputs: Values, fewest: int) -> Values:
        """Return the means."""
        return mean_where_known(inputs, fewest)

    def expected_margin(
        self,
        inputs: Values,
        path: Values,  # noqa: ARG002 -- the Protocol's
        money: Values,
        n_months: int,
    ) -> Curves:
        """Return expected margin by month, shape (n, n_months), as the model's forecast does."""
        values = inputs[:, : len(self.model.signals)].astype(np.float32)
        x, t_x, age, purchases, basket = inputs[:, len(self.model.signals) :].T
        rhythm = Rhythm(x, np.minimum(t_x, age), age)
        buyers = Buyers(np.arange(len(inputs)), rhythm, purchases, basket)
        weeks = weeks_ahead(n_months, self.business.month)
        expected = self.model.expected_purchases(values, rhythm, weeks)
        sales = expected * self.model.expected_basket(values, buyers)[:, None]
        margin = self.model.margin
        return margin.margin_share * sales + (money - margin.idle_cost)[:, None]

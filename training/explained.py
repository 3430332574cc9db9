"""What an explanation reads of customers, and what a model makes of it, whatever the contract."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from features.contract import KINDS
from features.history import History
from features.kernel import Moment
from features.months import NEVER, Instants, shift_months
from training.business import Business
from training.credibility import WINDOW_MONTHS, Credibility
from training.flows import Flows
from training.forecast import Curves
from training.players import Input, money_players, player_of_kind

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Money:
    """Hold what customers brought and cost of late, by money player.

    `total` (n_customers, n_players) in major units, over `exposure` (n_customers,) months.
    """

    total: Values
    exposure: Values

    def of(self, rows: NDArray[np.int64]) -> "Money":
        """Return the money of some of the customers."""
        return Money(self.total[rows], self.exposure[rows])

    def expected(self, means: Values, credibility: Credibility) -> Values:
        """Return the expected flow a month by player, shape (n_customers, n_players).

        `means` (n_players,) share out the portfolio's mean, so that rows add up to what the
        model expects in all.
        """
        by_player = zip(self.total.T, means, strict=True)
        return np.column_stack(
            [
                Credibility(float(mean), credibility.half_months).expected(total, self.exposure)
                for total, mean in by_player
            ]
        )


@dataclass(frozen=True)
class Readings:
    """Hold all that a model reads of customers, one row a customer there.

    `customer` (n,) numbers them in their block; `group` (n,) is the group they belong to, and
    `held_against` (n,) the one whose typical customer they are compared with; `inputs`
    (n, n_inputs); `path` (n, n_months) is the margin along the plan, of no month in a shop.
    """

    customer: NDArray[np.int64]
    group: NDArray[np.int64]
    held_against: NDArray[np.int64]
    inputs: Values
    path: Values
    money: Money

    def of(self, rows: NDArray[np.int64]) -> "Readings":
        """Return what is read of some of the customers."""
        return Readings(
            self.customer[rows],
            self.group[rows],
            self.held_against[rows],
            self.inputs[rows],
            self.path[rows],
            self.money.of(rows),
        )


class Explained(Protocol):
    """Say what a model reads, and what it expects of it."""

    @property
    def business(self) -> Business:
        """The business that the model was fitted for."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What the model reads as single numbers, in order."""

    def path_inputs(self, n_months: int) -> tuple[Input, ...]:
        """Name what it reads of the margin along the plan: a number a month, none without plans."""

    @property
    def credibility(self) -> Credibility:
        """How far a customer's own money counts."""

    @property
    def n_groups(self) -> int:
        """How many groups there are, each with a background of its own."""

    @property
    def is_read(self) -> NDArray[np.bool_]:
        """Which inputs can change the answer at all, shape (n_inputs,)."""

    def read(self, moment: Moment, n_months: int) -> Readings:
        """Return what is known of the customers who are there."""

    def everybodys_money(self, moment: Moment) -> Money:
        """Return the money of all, lost customers too, as the model was fitted on it."""

    def typical(self, inputs: Values, fewest: int) -> Values:
        """Return what stands for customers, shape (n_inputs,), from theirs (n, n_inputs).

        No number rests on fewer than `fewest` of them.
        """

    def expected_margin(self, inputs: Values, path: Values, money: Values, n_months: int) -> Curves:
        """Return expected margin by month, shape (n, n_months); `money` (n,) is that of all."""


def months_looked_back(as_of: int, business: Business) -> Instants:
    """Return the edges of the months in which money counts, shape (WINDOW_MONTHS + 1,)."""
    return shift_months(as_of, np.arange(-WINDOW_MONTHS, 1), business.month)


def recent_money(
    moment: Moment, flows: Flows, exposure_by_month: Values, business: Business
) -> Money:
    """Return flows of the months in which money counts, by player.

    `exposure_by_month` (n_customers, WINDOW_MONTHS) is the share of each month that counts.
    """
    edges = months_looked_back(moment.as_of, business)
    total = _by_player(moment.history, flows, edges[[0, -1]], business)
    return Money(total, exposure_by_month.sum(axis=1))


def _by_player(history: History, flows: Flows, edges: Instants, business: Business) -> Values:
    """Return the flows between two edges, shape (n_customers, n_players)."""
    players = money_players(business)
    codes = [players.index(player) if player in players else 0 for player in _kinds(business)]
    whose = np.array(codes)[history.kind[flows.row]]
    until = np.full(history.n_customers, NEVER)
    totals = []
    for player in range(len(players)):
        own = Flows(flows.row[whose == player], flows.margin[whose == player])
        totals.append(own.by_month(history, edges, until)[:, 0])
    return np.column_stack(totals)


def read_by(boosters: Sequence[xgb.Booster | None], n_inputs: int) -> NDArray[np.bool_]:
    """Return which of the first inputs some tree splits on, shape (n_inputs,)."""
    is_read = np.zeros(n_inputs, dtype=bool)
    for booster in boosters:
        split_on = booster.get_score(importance_type="weight") if booster else {}
        numbers = [int(name.removeprefix("f")) for name in split_on]
        is_read[[number for number in numbers if number < n_inputs]] = True
    return is_read


def mean_where_known(values: Values, fewest: int) -> Values:
    """Return the mean of each input, shape (n_inputs,), over customers of whom it is known.

    NaN where fewer than half of them, or fewer than `fewest`, are: then not to know is typical.
    """
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    is_usual = (2 * count >= len(values)) & (count >= fewest)
    return np.divide(total, count, out=np.full(values.shape[1], np.nan), where=is_usual)


def _kinds(business: Business) -> list[str]:
    return [player_of_kind(kind.name, business.contract) for kind in KINDS]

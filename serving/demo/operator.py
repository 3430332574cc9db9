"""A mobile operator that never was: its raw files, and the truth about its customers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from serving.demo.blocks import Ints
from serving.demo.crm import customer_ids
from serving.demo.history import History, Intervention, live
from serving.demo.instants import first_day, month_of
from serving.demo.parameters import OperatorParameters, Regime
from serving.demo.population import NEVER, Subscribers
from serving.demo.raw_files import raw_tables
from serving.demo.truth import true_values
from serving.demo.workspace import write_workspace

DEFAULT_DRAWS = 200
"""Futures per customer: 4,000 customers take about 6 s on one core."""


@dataclass(frozen=True)
class Operator:
    """Hold a simulated operator; months count from 0, the first observed one."""

    history: History
    seed: int
    params: OperatorParameters
    later: Regime | None = None

    @property
    def observed_from(self) -> date:
        """Return the first day whose happenings are recorded."""
        return first_day(self.history.openings[0].month)

    @property
    def observed_until(self) -> date:
        """Return the day after the last one recorded: the moment of `truth`."""
        return first_day(self.history.openings[-1].month)

    @cached_property
    def truth(self) -> pd.DataFrame:
        """Return `truth_at` the end of observation."""
        return self.truth_at(len(self.history.observed))

    def truth_at(self, month: int, draws: int = DEFAULT_DRAWS) -> pd.DataFrame:
        """Return what is true of everyone who is a customer when `month` begins.

        Columns: `customer_id`, `plan`, `churn_3m` (share), `clv`, `clv_standard_error` (EUR, the
        error from having only `draws` futures), and one array per row of `survival`,
        `expected_margin` and `margin_given_active`, shape `(horizon_months,)`; see `Truth`.

        Raises
        ------
        ValueError
            If `month` is not in 0..months, or `draws` below 2.
        """
        last = len(self.history.openings) - 1
        if not 0 <= month <= last:
            raise ValueError(f"month is {month}; give 0 (the first observed) to {last} (the end).")
        return self._truth_of(self.history.openings[month], draws)

    def truth_after_downgrade(self, ids: Sequence[str], draws: int = DEFAULT_DRAWS) -> pd.DataFrame:
        """Return what would be true had these customers moved one plan down at the end, at once.

        Columns as in `truth_at`, rows in the order of `ids`. A booked change of plan and a running
        discount lapse; the term goes on.

        Raises
        ------
        ValueError
            If an id is no customer at the end, or is on the cheapest plan already.
        """
        state = self.history.openings[-1]
        chosen = state.take(self._positions(ids, state))
        return self._truth_of(downgraded(chosen, self._params_from(state.month)), draws)

    def terms_left(self, ids: Sequence[str]) -> list[int | None]:
        """Return how many months these customers' terms still run at the end, None without one.

        What a hypothetical change of plan has to say for the term to go on.
        """
        state = self.history.openings[-1]
        months = state.term_left[self._positions(ids, state)]
        return [int(left) if left > 0 else None for left in months]

    def write(self, folder: Path) -> None:
        """Write raw files as an operator keeps them, `keepworth.toml` and a README to `folder`."""
        rng = np.random.default_rng([self.seed, 1])
        tables = raw_tables(self.history, rng, self.params)
        write_workspace(folder, tables, self.observed_from, self.observed_until, self.params)

    def _truth_of(self, state: Subscribers, draws: int) -> pd.DataFrame:
        rng = np.random.default_rng([self.seed, 2, state.month])
        true = true_values(state, draws, rng, self._params_from(state.month))
        return pd.DataFrame(
            {
                "customer_id": customer_ids(state.who),
                "plan": np.asarray(self.params.plans.names)[state.plan],
                "churn_3m": 1.0 - true.survival[:, 2],
                "clv": true.clv,
                "clv_standard_error": true.clv_standard_error,
                "survival": list(true.survival),
                "expected_margin": list(true.expected_margin),
                "margin_given_active": list(true.margin_given_active),
            }
        )

    def _params_from(self, month: int) -> OperatorParameters:
        """Return what the world goes on by from a month on."""
        begun = month - self.history.openings[0].month
        is_later = self.later is not None and begun >= self.later.month
        return self.later.params if self.later is not None and is_later else self.params

    def _positions(self, ids: Sequence[str], state: Subscribers) -> Ints:
        known = pd.Index(customer_ids(state.who))
        positions = known.get_indexer(pd.Index(list(ids))).astype(np.int64)
        plans = np.where(positions >= 0, state.plan[positions], 0)
        wrong = [name for name, plan in zip(ids, plans, strict=True) if plan == 0]
        if wrong:
            cheapest = self.params.plans.names[0]
            raise ValueError(
                f"customer_ids has {', '.join(wrong)}; give customers of {self.observed_until} "
                f"on a plan above {cheapest}."
            )
        return positions


def simulate_operator(  # noqa: PLR0913 -- a world, how long, and what is done to it
    n_customers: int,
    seed: int,
    observed_from: date = date(2022, 1, 1),
    months: int = 36,
    params: OperatorParameters | None = None,
    *,
    later: Regime | None = None,
    intervention: Intervention | None = None,
) -> Operator:
    """Simulate an operator with `n_customers` customers in all, observed for `months` months.

    `observed_from` is the first of a month; from `later` on the world is another. The same
    arguments give the same operator; until an intervention changes something, its past is that
    of the operator without one.

    Raises
    ------
    ValueError
        If there are no customers or months, or observation begins within a month.
    """
    if n_customers < 1 or months < 1:
        raise ValueError(f"n_customers is {n_customers}, months {months}; give at least 1 of each.")
    if observed_from.day != 1:
        raise ValueError(f"observed_from is {observed_from}; give the first day of a month.")
    world = params or OperatorParameters()
    rng = np.random.default_rng([seed, 0])
    first = month_of(observed_from)
    history = live(n_customers, first, months, rng, world, later=later, intervention=intervention)
    return Operator(history, seed, world, later)


def downgraded(state: Subscribers, params: OperatorParameters) -> Subscribers:
    """Return customers as if each had just moved one plan down at the list price."""
    nothing = np.full(len(state), NEVER)
    return replace(
        state,
        plan=state.plan - 1,
        list_price=np.asarray(params.plans.list_prices)[state.plan - 1],
        discount_left=nothing,
        booked_plan=nothing,
        booked_in=nothing,
        months_since_downgrade=np.zeros(len(state), dtype=np.int64),
        engagement=state.engagement - params.moving.downgrade_shock,
    )

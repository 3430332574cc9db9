"""Champion and challenger beside each other, both on what was known at each cutoff.

A challenger has seen what happened since the champion was trained, so that their own forecasts
cannot be held against the same months. Their recipes can: each is fitted on what was known at a
cutoff, and both are judged on what came after it. Beside them stands the champion as it is, at
cutoffs that it has not seen beyond: what is lost by not training at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.log import Log
from features.months import months_that_fit, shift_months
from training.backtest import judged_at, metrics_of
from training.backtest_plan import PRODUCT, BacktestPlan
from training.bundle import Bundle
from training.business import Business
from training.fitting import fit_bundle
from training.known import Known, observed_bounds
from training.paired_bootstrap import Difference, paired_difference
from training.recipe import Recipe, known_for, same_rules
from training.retraining_rules import RetrainingRules

CHAMPION = "champion"
"""The champion's recipe, fitted anew at the cutoff."""
AS_IT_IS = "champion as it is"
FEWEST_MONTHS_BEFORE = 3
Task = Literal["churn", "value"]
TASKS: tuple[Task, ...] = ("churn", "value")
_LEAST = 1e-6
_SEED = 20
_KEY = ["cutoff", "months", "customer_id"]
Values = NDArray[np.float64]
Fit = Callable[[Known], Bundle]


@dataclass(frozen=True)
class Champion:
    """Name what serves: its recipe, and its bundle as it is."""

    recipe: Recipe
    bundle: Bundle


@dataclass(frozen=True)
class Compared:
    """Hold predictions of a challenger, a champion and the naive formulas beside what came.

    `predictions` have PREDICTION_COLUMNS; `model` is `keepworth` for the challenger. `cutoffs`
    are in microseconds; none where no window is finished.
    """

    predictions: pd.DataFrame
    cutoffs: tuple[int, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The names of all that were judged."""
        return tuple(self.predictions["model"].unique()) if len(self.predictions) else ()

    def metrics(self) -> list[dict[str, object]]:
        """Return the metrics of the contract for each cutoff and model."""
        return metrics_of(self.predictions) if len(self.predictions) else []

    def rows(self, model: str) -> pd.DataFrame:
        """Return the predictions of one model, in the order of cutoff and customer."""
        return self.predictions[self.predictions["model"] == model].sort_values(_KEY)


def fit_alone(known: Known) -> Bundle:
    """Fit a bundle, without its checks."""
    return fit_bundle(known)[0]


@dataclass(frozen=True)
class Ground:
    """Name what recipes are compared on, and by which rules."""

    log: Log
    business: Business
    rules: RetrainingRules


def compare(
    ground: Ground, challenger: Recipe, champion: Champion | None, fit: Fit = fit_alone
) -> Compared:
    """Fit both recipes at each cutoff that has a finished window, and return what they said.

    Equal recipes are fitted once: then the champion's rows are the challenger's. `fit` fits the
    challenger's recipe.
    """
    log, business = ground.log, ground.business
    plan = plan_of(ground)
    parts = []
    for cutoff in plan.cutoffs:
        known = known_for(log, business, challenger, cutoff)
        own = judged_at(fit(known), log, cutoff, plan).predictions
        parts.append(own)
        if champion is not None:
            is_same = fit is fit_alone and champion.recipe.settings == challenger.settings
            again = own[own["model"] == PRODUCT] if is_same else None
            parts.extend(_of_champion(ground, champion, plan, cutoff, again))
    predictions = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return Compared(predictions, plan.cutoffs)


def plan_of(ground: Ground) -> BacktestPlan:
    """Return the latest cutoffs whose windows are finished and do not overlap, earliest first."""
    log, business, rules = ground.log, ground.business, ground.rules
    since, until = observed_bounds(log, business)
    months = rules.compare_months
    back = -months * np.arange(rules.compare_cutoffs, 0, -1)
    cutoffs = [int(cutoff) for cutoff in shift_months(until, back, business.month)]
    fitting = [
        cutoff
        for cutoff in cutoffs
        if months_that_fit(since, cutoff, business.month) >= FEWEST_MONTHS_BEFORE
    ]
    return BacktestPlan(tuple(fitting), (months,), until)


def _of_champion(
    ground: Ground, champion: Champion, plan: BacktestPlan, cutoff: int, again: pd.DataFrame | None
) -> list[pd.DataFrame]:
    """Return what the champion's recipe says, if nobody has asked it yet, and it as it is."""
    log, business = ground.log, ground.business
    if again is None:
        bundle = fit_alone(known_for(log, business, champion.recipe, cutoff))
        again = _product_of(bundle, log, cutoff, plan)
    parts = [again.assign(model=CHAMPION)]
    if champion.bundle.cutoff <= cutoff and same_rules(champion.bundle.business, business):
        beside = _product_of(champion.bundle, log, cutoff, plan)
        parts.append(beside.assign(model=AS_IT_IS))
    return parts


def _product_of(bundle: Bundle, log: Log, cutoff: int, plan: BacktestPlan) -> pd.DataFrame:
    predictions = judged_at(bundle, log, cutoff, plan).predictions
    return predictions[predictions["model"] == PRODUCT]


def losses(rows: pd.DataFrame, task: Task) -> Values:
    """Return a loss a row: log-loss of churn, or the squared error of value."""
    if task == "value":
        error = rows["value_mean"].to_numpy(float) - rows["value_actual"].to_numpy(float)
        return np.square(error)
    left = rows["churned"].to_numpy(float)
    held = np.clip(rows["churn_probability"].to_numpy(float), _LEAST, 1 - _LEAST)
    return -(left * np.log(held) + (1 - left) * np.log1p(-held))


def difference(
    compared: Compared,
    other: str,
    task: Task,
    chosen: Sequence[bool] | None = None,
    level: float = 0.95,
) -> tuple[Difference, float]:
    """Return how much more the challenger loses than another model, and what the other loses.

    `chosen` keeps some of the challenger's rows, in their order. Rows that the other has not, as
    where the champion as it is had seen too much, are left out. `level` is what the interval of
    the difference shall cover.
    """
    own, beside = compared.rows(PRODUCT), compared.rows(other)
    if chosen is not None:
        own = own[np.asarray(chosen, dtype=bool)]
    pairs = own.merge(beside[_KEY], on=_KEY)
    matched = beside.merge(pairs[_KEY], on=_KEY)
    rng = np.random.default_rng(_SEED)
    of_other = losses(matched, task)
    customers = pairs["customer_id"].to_numpy(object)
    found = paired_difference(losses(pairs, task), of_other, customers, rng, level=level)
    return found, float(of_other.mean())

"""Champion and challenger beside each other, both on what was known at each cutoff.

A challenger has seen what happened since the champion was trained, so that their own forecasts
cannot be held against the same months. Their recipes can: each is fitted on what was known at a
cutoff, and both are judged on what came after it. Beside them stands the champion as it is, at
cutoffs that it has not seen beyond: what is lost by not training at all, and what its own code
made of the data, which cannot be fitted again once another is installed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.log import Log
from features.mistakes import InputRefusedError
from features.months import months_that_fit, shift_months
from training.backtest import judged_at, metrics_of
from training.backtest_plan import PRODUCT, BacktestPlan
from training.bundle import Bundle
from training.business import Business
from training.fitting import fit_bundle
from training.known import observed_bounds
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
KEY = ["cutoff", "months", "customer_id"]
"""What one row is about, whoever said it."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Champion:
    """Name what serves: its recipe, and its bundle as it is."""

    recipe: Recipe
    bundle: Bundle


@dataclass(frozen=True)
class Compared:
    """Hold predictions of a challenger, a champion and the naive formulas beside what came.

    `predictions` have PREDICTION_COLUMNS; `model` is `keepworth` for the challenger. `cutoffs`
    are in microseconds; none where no window is finished. There are no rows of the champion's
    recipe where it is the challenger's, and `is_code_other` where another code or other libraries
    made the champion, so that only the champion as it is can speak for them.
    """

    predictions: pd.DataFrame
    cutoffs: tuple[int, ...]
    is_code_other: bool = False
    exits_in_words: str = "exits"

    @property
    def models(self) -> tuple[str, ...]:
        """The names of all that were judged."""
        return tuple(self.predictions["model"].unique()) if len(self.predictions) else ()

    def metrics(self) -> list[dict[str, object]]:
        """Return the metrics of the contract for each cutoff and model."""
        return metrics_of(self.predictions) if len(self.predictions) else []

    def rows(self, model: str) -> pd.DataFrame:
        """Return the predictions of one model, in the order of cutoff and customer."""
        return self.predictions[self.predictions["model"] == model].sort_values(KEY)


@dataclass(frozen=True)
class Ground:
    """Name what recipes are compared on, and by which rules."""

    log: Log
    business: Business
    rules: RetrainingRules


def compare(ground: Ground, challenger: Recipe, champion: Champion | None) -> Compared:
    """Fit both recipes at each cutoff that has a finished window, and return what they said.

    Recipes of the same settings are fitted once: the same code cannot tell them apart. A cutoff
    before which too little was known to fit on, or at which nobody is there, is left out.
    """
    is_code_other = champion is not None and _is_code_other(ground, challenger, champion)
    parts: list[pd.DataFrame] = []
    cutoffs: list[int] = []
    for plan in plans_of(ground, champion.bundle.cutoff if champion and is_code_other else None):
        try:
            said = pd.concat(_judged(ground, challenger, champion, plan), ignore_index=True)
        except InputRefusedError:
            continue
        if len(said):
            parts.append(said)
            cutoffs.extend(plan.cutoffs)
    predictions = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    words = ground.business.exits_in_words
    return Compared(predictions, tuple(cutoffs), is_code_other, words)


def plans_of(ground: Ground, of_champion: int | None) -> list[BacktestPlan]:
    """Return a plan for each cutoff that has a finished window, earliest first.

    They are the latest whose windows do not overlap, and the champion's own if it is given:
    from then on it is judged over what months there are.
    """
    log, business, rules = ground.log, ground.business, ground.rules
    since, until = observed_bounds(log, business)
    months = rules.compare_months
    back = -months * np.arange(rules.compare_cutoffs, 0, -1)
    ahead = {int(cutoff): months for cutoff in shift_months(until, back, business.month)}
    if of_champion is not None and of_champion not in ahead:
        ahead[of_champion] = min(months, months_that_fit(of_champion, until, business.month))
    return [
        BacktestPlan((cutoff,), (months,), until)
        for cutoff, months in sorted(ahead.items())
        if months and months_that_fit(since, cutoff, business.month) >= FEWEST_MONTHS_BEFORE
    ]


def _is_code_other(ground: Ground, challenger: Recipe, champion: Champion) -> bool:
    """Return whether the champion's code is gone, and its forecasts mean what they did."""
    own, other = challenger, champion.recipe
    is_same = (own.code, own.libraries) == (other.code, other.libraries)
    return not is_same and same_rules(champion.bundle.business, ground.business)


def _judged(
    ground: Ground, challenger: Recipe, champion: Champion | None, plan: BacktestPlan
) -> Iterator[pd.DataFrame]:
    """Yield what the challenger's recipe, the formulas and the champion say at one cutoff."""
    [cutoff] = plan.cutoffs
    yield _said_by(ground, challenger, plan)
    if champion is None:
        return
    if champion.recipe.settings != challenger.settings:
        yield _as(CHAMPION, _said_by(ground, champion.recipe, plan))
    if champion.bundle.cutoff <= cutoff and same_rules(champion.bundle.business, ground.business):
        yield _as(AS_IT_IS, judged_at(champion.bundle, ground.log, cutoff, plan).predictions)


def _said_by(ground: Ground, recipe: Recipe, plan: BacktestPlan) -> pd.DataFrame:
    [cutoff] = plan.cutoffs
    bundle, _ = fit_bundle(known_for(ground.log, ground.business, recipe, cutoff))
    return judged_at(bundle, ground.log, cutoff, plan).predictions


def _as(name: str, predictions: pd.DataFrame) -> pd.DataFrame:
    return predictions[predictions["model"] == PRODUCT].assign(model=name)


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
    pairs = own.merge(beside[KEY], on=KEY)
    matched = beside.merge(pairs[KEY], on=KEY)
    rng = np.random.default_rng(_SEED)
    of_other = losses(matched, task)
    customers = pairs["customer_id"].to_numpy(object)
    found = paired_difference(losses(pairs, task), of_other, customers, rng, level=level)
    return found, float(of_other.mean())

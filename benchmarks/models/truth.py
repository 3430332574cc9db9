"""The product on simulated operators, held against what is true of their customers."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.features.measuring import run_keepworth
from benchmarks.models.judging import Json, rounded
from serving.api.current import Current
from serving.api.what_if_route import answer_what_if
from serving.demo.comparison import compare_with_truth
from serving.demo.crm import customer_ids
from serving.demo.operator import Operator, downgraded, simulate_operator
from serving.demo.transition import advance
from serving.demo.truth import Truth, discount_factors, true_values
from serving.workspace import open_workspace
from training.metrics import interval_metrics
from valuation.levers import lever_split
from valuation.survival import activity_in_month

Values = NDArray[np.float64]
SEEDS = (1, 2, 3)
CUSTOMERS = 4_000
FUTURES = 5
MONTHS = (1, 3, 6, 12, 24, 36)
ASKED = 100
DRAWS = 2_000
_ANSWERED = ("clv", "time", "value", "churn_3m")


@dataclass(frozen=True)
class Question:
    """Ask what a move to another plan would do; a term that runs goes on, as it does in truth."""

    customer_id: str
    plan: str
    price: float
    term_months: int | None

    def as_json(self) -> Json:
        """Return the body of `/v1/what-if`."""
        event = {"kind": "plan_change", "label": self.plan, "amount": self.price}
        if self.term_months is not None:
            event["term_months"] = self.term_months
        return {"customer_id": self.customer_id, "events": [event]}


def truth(cache: Path) -> Iterator[Json]:
    """Yield, for each seed, errors against the truth, coverage, and effects of a downgrade."""
    for seed in SEEDS:
        folder = cache / f"operator-{seed}"
        shutil.rmtree(folder, ignore_errors=True)
        operator = simulate_operator(CUSTOMERS, seed)
        operator.write(folder)
        run_keepworth("ingest", folder)
        run_keepworth("train", folder)
        answer, _ = run_keepworth("score", folder)
        scores = pd.read_parquet(answer["scores"][0])
        active = scores[scores["status"] == "active"]
        both = active.merge(operator.truth, on="customer_id", suffixes=("", "_true"))
        summary = compare_with_truth(scores, operator.truth).as_dict()
        yield {
            "seed": seed,
            "summary": {name: rounded(value) for name, value in summary.items()},
            "by_month": list(errors_by_month(both)),
            "coverage": list(held_by_intervals(operator, active, answer)),
            "downgrade": effects_of_downgrade(operator, both, folder),
        }


def errors_by_month(both: pd.DataFrame) -> Iterator[Json]:
    """Yield how far survival and expected margin are off the truth, by month ahead.

    Errors of survival are in shares, those of margin are of cumulated, undiscounted EUR.
    """
    survival, true_survival = _stacked(both, "survival"), _stacked(both, "survival_true")
    margin = _stacked(both, "expected_margin").cumsum(axis=1)
    true_margin = _stacked(both, "expected_margin_true").cumsum(axis=1)
    for month in MONTHS:
        said, is_true = survival[:, month - 1], true_survival[:, month - 1]
        earned, truly = margin[:, month - 1], true_margin[:, month - 1]
        reading = {
            "survival": said.mean(),
            "true_survival": is_true.mean(),
            "survival_error": np.abs(said - is_true).mean(),
            "survival_correlation": np.corrcoef(said, is_true)[0, 1],
            "margin_ratio": earned.sum() / truly.sum(),
            "margin_error": np.abs(earned - truly).mean(),
            "true_mean_margin": truly.mean(),
            "margin_correlation": np.corrcoef(earned, truly)[0, 1],
        }
        yield {"months": month} | {name: rounded(float(value)) for name, value in reading.items()}


def held_by_intervals(operator: Operator, active: pd.DataFrame, answer: Json) -> Iterator[Json]:
    """Yield what 80% intervals hold of futures, each lived once by everybody."""
    low, high, mean = (active[name].to_numpy(float) for name in ("clv_low", "clv_high", "clv"))
    for number in range(FUTURES):
        came, left = lived_once(operator, number)
        realised = came.loc[active["customer_id"]].to_numpy(float)
        gone = left.loc[active["customer_id"]].to_numpy(bool)
        held = interval_metrics(low, high, realised, mean, gone)
        yield {
            "coverage": rounded(held["coverage"]),
            "worst_tenth": rounded(min(held["coverage_by_tenth"])),  # type: ignore[call-overload]
            "coverage_left": rounded(held["coverage_left"]),
            "realised_equity": rounded(float(realised.sum())),
            "equity_low": rounded(answer["customer_equity_low"]),
            "equity_high": rounded(answer["customer_equity_high"]),
        }


def lived_once(operator: Operator, number: int) -> tuple[pd.Series, pd.Series]:
    """Return discounted margin of one future (EUR), and who left in it, by customer."""
    rng = np.random.default_rng([operator.seed, 3, number])
    state = operator.history.openings[-1]
    everybody, ids = pd.Index(state.who), customer_ids(state.who)
    came = np.zeros(len(everybody))
    for weight in discount_factors(operator.params):
        after, happened = advance(state, rng, operator.params)
        came[everybody.get_indexer(pd.Index(state.who))] += weight * happened.margin
        state = after
    left = ~everybody.isin(state.who)
    return pd.Series(came, index=ids), pd.Series(left, index=ids)


def effects_of_downgrade(operator: Operator, both: pd.DataFrame, folder: Path) -> Json:
    """Return what one plan down does to CLV, as `/v1/what-if` says it and as it is, in EUR."""
    plans, prices = operator.params.plans.names, operator.params.plans.list_prices
    dearer = both[both["plan"].isin(plans[1:])].sort_values("customer_id")
    chosen = dearer.iloc[np.linspace(0, len(dearer) - 1, ASKED).astype(int)]
    ids = chosen["customer_id"].tolist()
    places = [plans.index(plan) - 1 for plan in chosen["plan"]]
    said = _said(
        folder,
        [
            Question(name, plans[place], prices[place], term)
            for name, place, term in zip(ids, places, operator.terms_left(ids), strict=True)
        ],
    )
    state = operator.history.openings[-1]
    chosen_state = state.take(pd.Index(customer_ids(state.who)).get_indexer(pd.Index(ids)))
    before, after = (
        true_values(there, DRAWS, np.random.default_rng([operator.seed, 4]), operator.params)
        for there in (chosen_state, downgraded(chosen_state, operator.params))
    )
    true_time, true_value = _levers(before, after, discount_factors(operator.params))
    true_change = after.clv - before.clv
    noise = np.hypot(before.clv_standard_error, after.clv_standard_error)
    found = {
        "said_change": said["clv"].mean(),
        "true_change": true_change.mean(),
        "said_time": said["time"].mean(),
        "true_time": true_time.mean(),
        "said_value": said["value"].mean(),
        "true_value": true_value.mean(),
        "said_churn_3m": said["churn_3m"].mean(),
        "true_churn_3m": (before.survival[:, 2] - after.survival[:, 2]).mean(),
        "mean_error": np.abs(said["clv"].to_numpy() - true_change).mean(),
        "noise_of_truth": float(noise.mean()),
        "correlation": np.corrcoef(said["clv"], true_change)[0, 1],
        "same_sign": np.mean(np.sign(said["clv"].to_numpy()) == np.sign(true_change)),
    }
    return {"customers": len(ids)} | {name: rounded(float(v)) for name, v in found.items()}


def _said(folder: Path, asked: Sequence[Question]) -> pd.DataFrame:
    """Return the differences that `/v1/what-if` answers, one row a customer."""
    current = Current(open_workspace(folder))
    answers = []
    for question in asked:
        body = json.dumps(question.as_json()).encode()
        difference = answer_what_if(current, body).difference
        answers.append({name: getattr(difference, name) for name in _ANSWERED})
    return pd.DataFrame(answers)


def _levers(before: Truth, after: Truth, discount: Values) -> tuple[Values, Values]:
    """Return the true difference by lever; a month that no path reached brings nothing."""
    old, new = (activity_in_month(true.survival) for true in (before, after))
    old_margin, new_margin = (np.nan_to_num(t.margin_given_active) for t in (before, after))
    split = lever_split(old, old_margin, new, new_margin, discount)
    return split.time, split.value


def _stacked(table: pd.DataFrame, column: str) -> Values:
    return np.stack(list(table[column]))

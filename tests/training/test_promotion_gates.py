"""Gates before a promotion: each fault is stopped by the gate made for it, and noise by none."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from training.backtest_plan import PRODUCT
from training.comparison import AS_IT_IS, CHAMPION, Compared, difference
from training.gate import closed
from training.promotion_gates import promotion_gates, segments_of
from training.retraining_rules import RetrainingRules

N = 2000
NAIVE = "naive_value_x_months"
RULES = RetrainingRules()


class World:
    """Customers whose true chance of leaving and true value are known."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.rng = rng
        self.risk = rng.beta(1.2, 8, N)
        self.price = rng.gamma(4, 10, N)
        self.left = rng.random(N) < self.risk
        self.mean = self.price * 3 * (1 - self.risk / 2)
        self.sd = 0.3 * self.mean
        self.actual = self.mean + self.sd * rng.standard_normal(N)

    def rows(self, model: str, churn: np.ndarray, value: np.ndarray) -> pd.DataFrame:
        half = 1.2816 * self.sd
        return pd.DataFrame(
            {
                "cutoff": datetime(2025, 1, 1, tzinfo=UTC),
                "months": 3,
                "model": model,
                "customer_id": [f"c{number:05d}" for number in range(N)],
                "churn_probability": churn,
                "churned": self.left,
                "value_mean": value,
                "value_median": value,
                "value_actual": self.actual,
                "value_low": value - half,
                "value_high": value + half,
            }
        )

    def jittered(self) -> tuple[np.ndarray, np.ndarray]:
        """Return an estimate as good as any other: true, but for small errors."""
        noise = self.rng.normal(0, 0.05, N)
        return self.risk * np.exp(noise - 0.05**2 / 2), self.mean * (1 + noise)

    def compared(self, churn: np.ndarray, value: np.ndarray) -> Compared:
        base = np.full(N, self.left.mean())
        parts = [
            self.rows(PRODUCT, churn, value),
            self.rows(CHAMPION, *self.jittered()),
            self.rows(NAIVE, base, self.price * 3),
        ]
        return Compared(pd.concat(parts, ignore_index=True), (0,))


def gates_closed(compared: Compared) -> list[str]:
    return [gate.name for gate in closed(promotion_gates(compared, RULES, has_champion=True))]


@pytest.mark.parametrize("seed", range(8))
def test_a_challenger_as_good_as_the_champion_is_let_through(seed: int) -> None:
    world = World(seed)
    assert gates_closed(world.compared(*world.jittered())) == []


def test_a_worse_challenger_is_stopped_by_the_champion() -> None:
    world = World()
    worse = world.risk * np.exp(world.rng.normal(0, 1.0, N) - 0.5)
    closed_gates = gates_closed(world.compared(np.clip(worse, 0, 0.99), world.mean))
    assert "champion" in closed_gates


def test_shuffled_labels_are_stopped_by_the_champion() -> None:
    world = World()
    churn, value = world.jittered()
    shuffled = world.rng.permutation(churn)
    assert "champion" in gates_closed(world.compared(shuffled, value))


def test_what_is_worse_than_a_formula_is_stopped_even_beside_a_champion_that_is_as_bad() -> None:
    world = World()
    bad = world.price * 3 + 80 * world.rng.standard_normal(N)
    compared = world.compared(world.jittered()[0], bad)
    as_bad = compared.rows(PRODUCT).assign(model=AS_IT_IS)
    others = compared.predictions[compared.predictions["model"] != CHAMPION]
    closed_gates = gates_closed(Compared(pd.concat([others, as_bad], ignore_index=True), (0,)))
    assert closed_gates == ["naive formulas"]


def test_one_ruined_segment_is_stopped_by_its_gate_where_the_whole_is_not_worse() -> None:
    world = World()
    churn, value = world.jittered()
    compared = world.compared(churn, value)
    segment = segments_of(compared)
    own = compared.rows(PRODUCT)
    chosen = (segment == "middle/high").to_numpy()
    spoiled = own["churn_probability"].to_numpy().copy()
    truth = own["churned"].to_numpy(float)
    # The rest is better than the champion by as much as the segment is worse.
    spoiled[chosen] = world.rng.permutation(spoiled[chosen]) * 0.3
    spoiled[~chosen] = 0.6 * spoiled[~chosen] + 0.4 * truth[~chosen]
    closed_gates = gates_closed(world.compared(spoiled, value))
    assert "segments" in closed_gates
    assert "champion" not in closed_gates


def test_a_world_that_changed_since_the_cutoffs_is_no_fault_of_calibration() -> None:
    world = World()
    base = np.full(N, world.left.mean())
    churn, value = world.jittered()
    world.left = world.rng.random(N) < np.minimum(1.6 * world.risk, 1.0)

    def compared(said: np.ndarray) -> Compared:
        parts = [world.rows(PRODUCT, said, value), world.rows(NAIVE, base, world.price * 3)]
        return Compared(pd.concat(parts, ignore_index=True), (0,))

    [gate] = [
        each
        for each in promotion_gates(compared(churn), RULES, has_champion=True)
        if each.name == "calibration"
    ]
    assert gate.passed
    assert "naive formulas: 0.6" in gate.found
    for fault in (0.5, 3.0):
        assert "calibration" in gates_closed(compared(np.clip(fault * churn, 0, 0.99)))


def test_too_many_predicted_exits_are_a_fault_of_calibration() -> None:
    world = World()
    churn, value = world.jittered()
    assert "calibration" in gates_closed(world.compared(np.clip(1.6 * churn, 0, 0.99), value))


def test_intervals_that_hold_too_few_are_a_fault_of_coverage() -> None:
    world = World()
    compared = world.compared(*world.jittered())
    narrow = compared.predictions.copy()
    own = narrow["model"] == PRODUCT
    middle = narrow.loc[own, "value_mean"]
    narrow.loc[own, "value_low"] = middle - 0.2 * world.sd
    narrow.loc[own, "value_high"] = middle + 0.2 * world.sd
    assert gates_closed(Compared(narrow, (0,))) == ["coverage"]


def test_intervals_that_hold_everything_are_no_fault() -> None:
    world = World()
    compared = world.compared(*world.jittered())
    wide = compared.predictions.copy()
    own = wide["model"] == PRODUCT
    middle = wide.loc[own, "value_mean"]
    wide.loc[own, "value_low"] = middle - 100 * world.sd
    wide.loc[own, "value_high"] = middle + 100 * world.sd
    assert gates_closed(Compared(wide, (0,))) == []


def beside_another_as_bad(model: str) -> Compared:
    """Return a challenger with too many exits predicted, and another that says the same."""
    world = World()
    compared = world.compared(np.clip(1.6 * world.jittered()[0], 0, 0.99), world.mean)
    own = compared.rows(PRODUCT).assign(model=model)
    others = compared.predictions[compared.predictions["model"] != model]
    return Compared(pd.concat([others, own], ignore_index=True), (0,))


def test_bounds_that_what_serves_misses_as_much_do_not_keep_it_in_place() -> None:
    assert "calibration" not in gates_closed(beside_another_as_bad(AS_IT_IS))


def test_that_the_champions_recipe_misses_a_bound_as_much_is_no_excuse() -> None:
    assert "calibration" in gates_closed(beside_another_as_bad(CHAMPION))


def test_of_one_recipe_nothing_is_compared_and_bounds_hold() -> None:
    world = World()
    compared = world.compared(np.clip(1.6 * world.jittered()[0], 0, 0.99), world.mean)
    is_champion = compared.predictions["model"] == CHAMPION
    alone = Compared(compared.predictions[~is_champion], (0,))
    assert "calibration" in gates_closed(alone)
    found = {gate.name: gate.found for gate in promotion_gates(alone, RULES, has_champion=True)}
    assert "nothing to compare" in found["champion"]
    assert "nothing to compare" in found["segments"]


def test_code_that_is_gone_must_speak_by_what_it_made() -> None:
    world = World()
    compared = world.compared(*world.jittered())
    silent = Compared(compared.predictions, (0,), is_code_other=True)
    assert gates_closed(silent) == ["champion as it is"]
    as_it_is = world.rows(AS_IT_IS, *world.jittered())
    spoke = pd.concat([compared.predictions, as_it_is], ignore_index=True)
    assert gates_closed(Compared(spoke, (0,), is_code_other=True)) == []


def test_without_a_finished_window_a_champion_stays_and_a_first_version_may_come() -> None:
    nothing = Compared(pd.DataFrame(), ())
    assert gates_closed(nothing) == ["comparison"]
    assert closed(promotion_gates(nothing, RULES, has_champion=False)) == []


def test_a_champion_that_saw_too_much_is_compared_where_it_did_not() -> None:
    world = World()
    churn, value = world.jittered()
    compared = world.compared(churn, value)
    later = compared.predictions.assign(cutoff=datetime(2025, 4, 1, tzinfo=UTC))
    frozen = world.rows(AS_IT_IS, np.full(N, 0.5), value).assign(
        cutoff=datetime(2025, 4, 1, tzinfo=UTC)
    )
    both = Compared(pd.concat([compared.predictions, later, frozen], ignore_index=True), (0, 1))
    found, loss = difference(both, AS_IT_IS, "churn")
    assert loss == pytest.approx(np.log(2))
    own_losses = -np.where(world.left, np.log(churn), np.log1p(-churn))
    assert found.mean == pytest.approx(own_losses.mean() - np.log(2))

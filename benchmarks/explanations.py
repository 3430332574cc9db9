"""What explanations cost, and how far they hang on the background.

Run by `python -m benchmarks.explanations`. Simulates a small operator, fits a model, and prints
the time of one explanation; then holds contributions against those from 200 customers drawn from
the same plan, one background each.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block
from features.ingest.run import ingest
from features.kernel import Moment
from serving.demo.operator import simulate_operator
from serving.workspace import open_workspace
from training.background import Background
from training.bundle import Bundle
from training.contributions import Lens
from training.explained_subscription import ExplainedSubscription
from training.explaining import explain
from training.fitting import fit_bundle
from training.known import Known, known_at, observed_bounds
from training.subscription import SubscriptionModel

Values = NDArray[np.float64]
BACKGROUND_ROWS = 200


@dataclass(frozen=True)
class Portfolio:
    """Hold everybody there as points, with the plan each is held against and belongs to."""

    lens: Lens
    background: Background
    points: Values
    group: NDArray[np.int64]
    held_against: NDArray[np.int64]

    def against_typical(self, customer: int) -> Values:
        """Return contributions held against the typical customer."""
        typical = self.background.of(int(self.held_against[customer]))
        return self._against(customer, self.lens.point_of(typical))

    def against_drawn(self, customer: int, n_rows: int, rng: np.random.Generator) -> Values:
        """Return mean contributions held against customers of the plan, drawn at random."""
        same = np.flatnonzero(self.group == self.held_against[customer])
        drawn = rng.choice(same, min(n_rows, len(same)), replace=False)
        return np.mean([self._against(customer, self.points[other]) for other in drawn], axis=0)

    def _against(self, customer: int, other: Values) -> Values:
        shares = self.lens.shares(self.points[customer], other)
        return np.array(list(shares.contributions.values()))


def fitted(customers: int, months: int, seed: int, folder: Path) -> tuple[Known, Bundle]:
    """Return a simulated operator and a model fitted on all of it."""
    simulate_operator(customers, seed=seed, months=months).write(folder)
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    log = workspace.log()
    cutoff = observed_bounds(log, settings.business)[1]
    known = known_at(log, settings.business, settings.features.attributes, cutoff)
    return known, fit_bundle(known)[0]


def milliseconds(known: Known, bundle: Bundle, block: Block, n_customers: int) -> Values:
    """Return wall and CPU time of one customer after the other, reasons and all, shape (n, 2)."""
    taken = []
    for customer in range(n_customers):
        one = np.array([customer])
        alone = Block(block.history.customers(one), block.profiles.customers(one))
        began = time.perf_counter(), time.process_time()
        if explain(bundle, alone, known.cutoff):
            ended = time.perf_counter(), time.process_time()
            taken.append(1e3 * np.subtract(ended, began))
    return np.array(taken)


def portfolio_of(known: Known, bundle: Bundle, block: Block) -> Portfolio:
    """Return the customers of a block as points."""
    model, business, background = bundle.model, bundle.business, bundle.background
    if not isinstance(model, SubscriptionModel) or background is None:
        raise TypeError("expected a subscription model with a background.")
    lens = Lens(
        ExplainedSubscription(model, business),
        background.money_means,
        business.horizon_months,
        business.annual_discount_rate,
    )
    moment = Moment(block.history, block.profiles, known.cutoff, business, bundle.references)
    readings = lens.explained.read(moment, lens.n_months)
    points = lens.points(readings)
    return Portfolio(lens, background, points, readings.group, readings.held_against)


def compared(name: str, found: Values, reference: Values) -> str:
    """Return how far contributions (n_customers, n_players) are from those of the reference."""
    apart = np.abs(found - reference).sum() / np.abs(reference).sum()
    same = (np.abs(found).argmax(axis=1) == np.abs(reference).argmax(axis=1)).mean()
    together = np.corrcoef(found.ravel(), reference.ravel())[0, 1]
    baseline = np.abs((found - reference).sum(axis=1)).sum() / np.abs(reference).sum()
    return (
        f"{name:<24} apart {apart:.3f}, of it baseline {baseline:.3f}; correlation "
        f"{together:.3f}; same first reason {same:.2f}"
    )


def main() -> None:
    """Print time and stability."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1500)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--timed", type=int, default=200)
    parser.add_argument("--compared", type=int, default=12)
    parser.add_argument("--seed", type=int, default=11)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        known, bundle = fitted(given.customers, given.months, given.seed, Path(folder))
        block = next(iter(known.blocks()))
        taken = milliseconds(known, bundle, block, min(given.timed, block.history.n_customers))
        for clock, spent in zip(("wall", "CPU"), taken.T, strict=True):
            half, most = np.quantile(spent, [0.5, 0.95])
            print(f"{len(spent)} explained one by one, {clock}: p50 {half:.1f}, p95 {most:.1f} ms")
        portfolio = portfolio_of(known, bundle, block)
    rng = np.random.default_rng(given.seed)
    chosen = rng.choice(len(portfolio.points), given.compared, replace=False)
    large, small = (
        np.array([portfolio.against_drawn(customer, rows, rng) for customer in chosen])
        for rows in (BACKGROUND_ROWS, 25)
    )
    typical = np.array([portfolio.against_typical(customer) for customer in chosen])
    print(compared("the typical customer", typical, large))
    print(compared("25 drawn at random", small, large))


if __name__ == "__main__":
    main()

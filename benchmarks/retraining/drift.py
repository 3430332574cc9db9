"""False alarms of drift on identical data, and power on planted shifts, beside PSI > 0.1.

A pool of customers of the simulated operator gives whole rows of signals, correlated as they are.
Both samples are drawn from it with replacement, so that nothing drifts but by chance; a shift is
planted in the second.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.catalogue import signal_matrix
from features.ingest.run import ingest
from features.kernel import Moment
from features.signals.tenure import SEASON
from serving.demo.operator import simulate_operator
from serving.workspace import open_workspace
from training.drift import drift_of, reference_of
from training.known import known_at, observed_bounds

Json = dict[str, Any]
Values = NDArray[np.float64]
Planted = tuple[int, Callable[[Values, np.random.Generator], Values]]
"""Which signal is shifted, and how."""
SIZES: Mapping[int, int] = {100: 400, 5_000: 200, 100_000: 20}
"""Customers in each sample, and how often both are drawn."""
POOL, SEED, MONTHS = 3_000, 23, 24
RATES = (0.01, 0.05)
PSI_BOUND = 0.1
SHIFT_SHARE = 5
"""Of so many draws one is used to measure power."""


def drift_readings(cache: Path) -> Iterator[Json]:
    """Yield one reading a size: false alarms; then one a size and shift: power."""
    names, pool = _pool(cache / "pool")
    for size, times in SIZES.items():
        yield _false_alarms(names, pool, size, times)
    for name, shift in _shifts(names).items():
        for size, times in SIZES.items():
            yield _power(names, pool, size, max(5, times // SHIFT_SHARE), (name, shift))


def _pool(folder: Path) -> tuple[list[str], Values]:
    """Return the signals of everybody who is a customer at the end of a simulated operator."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    simulate_operator(POOL, SEED, months=MONTHS).write(folder)
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    log = workspace.log()
    cutoff = observed_bounds(log, settings.business)[1]
    known = known_at(log, settings.business, settings.features.attributes, cutoff)
    signals = tuple(signal for signal in known.signals if signal.group != SEASON)
    parts = []
    for block in known.blocks():
        moment = Moment(block.history, block.profiles, cutoff, known.business, known.references)
        parts.append(signal_matrix(moment, signals)[np.flatnonzero(moment.plan.is_open)])
    shutil.rmtree(folder)
    return [signal.name for signal in signals], np.concatenate(parts)


def _drawn(pool: Values, size: int, rng: np.random.Generator) -> Values:
    return pool[rng.integers(len(pool), size=size)]


def _false_alarms(names: list[str], pool: Values, size: int, times: int) -> Json:
    rng = np.random.default_rng([SEED, size])
    by_rate, by_psi, psi_signals = dict.fromkeys(RATES, 0), 0, 0
    for _ in range(times):
        reference = reference_of(names, _drawn(pool, size, rng))
        now = _drawn(pool, size, rng)
        p_values = None
        for rate in RATES:
            found = drift_of(reference, names, now, np.ones(size), rate)
            by_rate[rate] += bool(found.alarms)
            p_values = found
        over = sum(each.psi > PSI_BOUND for each in p_values.signals) if p_values else 0
        by_psi, psi_signals = by_psi + bool(over), psi_signals + over
    alarms = {f"alarms at {rate}": count / times for rate, count in by_rate.items()}
    psi = {"alarms of PSI": by_psi / times, "signals over PSI": psi_signals / times}
    return {"part": "false alarms", "n": size, "times": times, "signals": len(names)} | alarms | psi


def _shifts(
    names: list[str],
) -> dict[str, tuple[int, Callable[[Values, np.random.Generator], Values]]]:
    """Return planted shifts: of whom, and how."""

    def raised(column: Values, _rng: np.random.Generator) -> Values:
        return column * 1.1

    def more(column: Values, rng: np.random.Generator) -> Values:
        return np.where(rng.random(len(column)) < 0.03, column + 1, column)

    def missing(column: Values, rng: np.random.Generator) -> Values:
        return np.where(rng.random(len(column)) < 0.05, np.nan, column)

    return {
        "usage 10% higher": (names.index("data_gb_30d"), raised),
        "3% more have a failed payment": (names.index("failed_payments_90d"), more),
        "5% of a signal missing": (names.index("tenure_months"), missing),
    }


def _power(
    names: list[str],
    pool: Values,
    size: int,
    times: int,
    planted: tuple[str, Planted],
) -> Json:
    what, (place, shift) = planted
    rng = np.random.default_rng([SEED, size, place])
    found_here, over_psi = 0, 0
    for _ in range(times):
        reference = reference_of(names, _drawn(pool, size, rng))
        now = _drawn(pool, size, rng)
        now[:, place] = shift(now[:, place], rng)
        found = drift_of(reference, names, now, np.ones(size), RATES[0])
        own = next(each for each in found.signals if each.name == names[place])
        found_here, over_psi = found_here + own.is_alarm, over_psi + (own.psi > PSI_BOUND)
    return {
        "part": "power",
        "shift": what,
        "n": size,
        "times": times,
        "found": found_here / times,
        "over PSI": over_psi / times,
    }

"""False alarms of drift on identical data, and power on planted shifts, beside PSI > 0.1.

A pool of customers of the simulated operator gives whole rows of signals, correlated as they are.
Both samples are drawn from it with replacement, so that nothing drifts but by chance; a shift is
planted in the second.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from training.drift import Reference, SignalDrift, discoveries, drift_of, reference_of
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


def drift_readings(cache: Path) -> Iterator[Json]:
    """Yield readings of each size: one of false alarms, and one of power for each shift."""
    names, pool = _pool(cache / "pool")
    for size, times in SIZES.items():
        yield from _readings(names, pool, size, times)


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


def _readings(names: list[str], pool: Values, size: int, times: int) -> Iterator[Json]:
    """Draw both samples so often; each shift is planted in the second one by itself."""
    rng, shifts = np.random.default_rng([SEED, size]), _shifts(names)
    by_rate, by_psi, psi_signals = dict.fromkeys(RATES, 0), 0, 0
    power = {what: [0, 0] for what in shifts}
    for _ in range(times):
        reference = reference_of(names, _drawn(pool, size, rng))
        now = _drawn(pool, size, rng)
        found = {each.name: each for each in _drift(reference, names, now)}
        p_values = sorted(each.p_value for each in found.values())
        for rate in RATES:
            by_rate[rate] += discoveries(p_values, rate) > 0
        over = sum(each.psi > PSI_BOUND for each in found.values())
        by_psi, psi_signals = by_psi + bool(over), psi_signals + over
        for what, (place, shift) in shifts.items():
            shifted = shift(now[:, place], rng)[:, None]
            [own] = _drift(reference, [names[place]], shifted)
            with_it = {**found, own.name: own}
            power[what][0] += own.name in _alarms(list(with_it.values()))
            power[what][1] += own.psi > PSI_BOUND
    alarms = {f"alarms at {rate}": count / times for rate, count in by_rate.items()}
    psi = {"alarms of PSI": by_psi / times, "signals over PSI": psi_signals / times}
    drawn = {"n": size, "times": times}
    yield {"part": "false alarms"} | drawn | {"signals": len(names)} | alarms | psi
    for what, (n_found, n_over) in power.items():
        shares = {"found": n_found / times, "over PSI": n_over / times}
        yield {"part": "power", "shift": what} | drawn | shares


def _drift(reference: Reference, names: list[str], now: Values) -> Sequence[SignalDrift]:
    return drift_of(reference, names, now, np.ones(len(now)), RATES[0]).signals


def _alarms(found: list[SignalDrift]) -> set[str]:
    """Return the signals that drifted beyond chance, at the lower rate over all of them."""
    found = sorted(found, key=lambda each: each.p_value)
    n_alarms = discoveries([each.p_value for each in found], RATES[0])
    return {each.name for each in found[:n_alarms]}


def _shifts(names: list[str]) -> dict[str, Planted]:
    """Return planted shifts: of which signal, and how."""

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

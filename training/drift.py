"""Drift: whether customers are other than those a version was trained on, beyond chance.

A version's reference holds, of each signal, counts of customers in about ten bins, and of none:
no customer's row. Today's customers are counted into the same bins. With r and c the counts of a
bin, R and N their sums, the two-sample chi-square statistic

    X2 = sum over bins of (sqrt(N / R) r - sqrt(R / N) c)^2 / (r + c)

has bins - 1 degrees of freedom (Press et al. 2007, "Numerical Recipes", 14.3.4). It counts the
sampling noise of the reference as well as that of today: a share p of R customers is known to
sqrt(p (1 - p) / R). Over all signals the false discovery rate is held (Benjamini and Hochberg
1995, section 3); where nothing drifted, that is the chance of any alarm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Values = NDArray[np.float64]
Counts = NDArray[np.int64]
MOST_BINS = 10
FEWEST_IN_A_BIN = 20
"""An edge that fewer customers reach would point at people."""
_FEWEST_TOGETHER = 10
_HALF = 0.5


@dataclass(frozen=True)
class Binned:
    """Hold the edges of a signal's bins (rising), and how many customers were in each.

    A value x is in bin i where i of the edges are not above it; the last count is that of
    customers without a value. `counts` has len(edges) + 2 entries.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


Reference = Mapping[str, Binned]


@dataclass(frozen=True)
class SignalDrift:
    """Say how far a signal drifted: `p_value` of no drift, and what it is worth.

    `equity_share` is how much of customer equity is there because the signal is not distributed
    as it was: 1 less the mean CLV with customers weighted back to the reference, over the mean
    CLV; 0 where nobody is there. `psi` is the population stability index, the sum over bins of
    (c/N - r/R) log of their ratio, with half a customer added to each bin.
    """

    name: str
    p_value: float
    equity_share: float
    psi: float
    is_alarm: bool = False


@dataclass(frozen=True)
class Drift:
    """Hold every signal's drift, that of least p-value first, and the noise of both samples."""

    signals: tuple[SignalDrift, ...]
    n_reference: int
    n_now: int

    @property
    def n_signals(self) -> int:
        """How many signals were tested."""
        return len(self.signals)

    @property
    def alarms(self) -> tuple[SignalDrift, ...]:
        """Signals that drifted beyond chance."""
        return tuple(each for each in self.signals if each.is_alarm)

    @property
    def noise(self) -> float:
        """Standard error of the difference of a share of one half: what cannot be seen anyway."""
        return _HALF * float(np.sqrt(1 / max(self.n_reference, 1) + 1 / max(self.n_now, 1)))


def reference_of(names: Sequence[str], values: Values) -> Reference:
    """Return the bins of each signal, values of shape (n_customers, n_signals)."""
    return {name: _binned(column) for name, column in zip(names, values.T, strict=True)}


def drift_of(
    reference: Reference, names: Sequence[str], values: Values, clv: Values, false_alarm_rate: float
) -> Drift:
    """Compare today's customers with a reference, signal by signal.

    Parameters
    ----------
    values : (n_customers, n_signals)
        Signals in the order of `names`; those without a reference are left out.
    clv : (n_customers,)
        What each customer is worth, in major units.
    """
    found = [
        _drift(name, reference[name], column, clv)
        for name, column in zip(names, values.T, strict=True)
        if name in reference
    ]
    found.sort(key=lambda each: (each.p_value, each.name))
    n_alarms = discoveries([each.p_value for each in found], false_alarm_rate)
    signals = [
        SignalDrift(each.name, each.p_value, each.equity_share, each.psi, number < n_alarms)
        for number, each in enumerate(found)
    ]
    n_reference = max((sum(binned.counts) for binned in reference.values()), default=0)
    return Drift(tuple(signals), n_reference, len(values))


def discoveries(p_values: Sequence[float], rate: float) -> int:
    """Return how many of rising p-values are discoveries: the last k with p_k <= rate k / m."""
    m = len(p_values)
    below = [k for k, p in enumerate(p_values, start=1) if p <= rate * k / m]
    return below[-1] if below else 0


def two_sample_p_value(one: Counts, other: Counts) -> float:
    """Return the p-value of the chi-square test that two rows of counts have one distribution.

    Neighbouring bins are put together until each holds ten of both samples.
    """
    together = np.array([(one[a:b].sum(), other[a:b].sum()) for a, b in _spans(one + other)])
    r, c = together.T
    if len(r) < 2 or not r.sum() or not c.sum():
        return 1.0
    ratio = np.sqrt(c.sum() / r.sum())
    statistic = float((np.square(ratio * r - c / ratio) / (r + c)).sum())
    return float(chi2.sf(statistic, len(r) - 1))


def _spans(total: Counts) -> list[tuple[int, int]]:
    ends, held = [0], 0
    for place, n in enumerate(total, start=1):
        held += int(n)
        if held >= _FEWEST_TOGETHER:
            ends.append(place)
            held = 0
    if held and len(ends) > 1:
        ends[-1] = len(total)
    return list(pairwise(ends)) or [(0, len(total))]


def _binned(column: Values) -> Binned:
    edges = _edges(column[np.isfinite(column)])
    return Binned(tuple(edges), tuple(_counts(column, edges).tolist()))


def _edges(values: Values) -> list[float]:
    """Return levels where there are few, else quantiles; each bin holds at least 20 customers."""
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) <= MOST_BINS:
        return [float(level) for level in levels[counts >= FEWEST_IN_A_BIN][1:]]
    n_bins = min(MOST_BINS, len(values) // FEWEST_IN_A_BIN)
    inner = np.arange(1, n_bins) / n_bins
    return np.unique(np.quantile(values, inner, method="higher")).tolist() if n_bins > 1 else []


def _counts(column: Values, edges: Sequence[float]) -> Counts:
    return np.bincount(_bins(column, edges), minlength=len(edges) + 2)


def _bins(column: Values, edges: Sequence[float]) -> Counts:
    """Return each customer's bin; the last one is that of no value."""
    found = np.searchsorted(np.asarray(edges, dtype=np.float64), column, side="right")
    return np.where(np.isfinite(column), found, len(edges) + 1)


def _drift(name: str, reference: Binned, column: Values, clv: Values) -> SignalDrift:
    before, now = np.asarray(reference.counts), _counts(column, reference.edges)
    share_before, share_now = _shares(before), _shares(now)
    psi = float(((share_now - share_before) * np.log(share_now / share_before)).sum())
    weights = (before / max(before.sum(), 1)) / np.maximum(now / max(now.sum(), 1), 1e-12)
    own = weights[_bins(column, reference.edges)]
    back = float(np.average(clv, weights=own)) if own.sum() else 0.0
    mean = float(clv.mean()) if len(clv) else 0.0
    share = (mean - back) / abs(mean) if mean else 0.0
    return SignalDrift(name, two_sample_p_value(before, now), share, psi)


def _shares(counts: Counts) -> Values:
    return (counts + _HALF) / (counts.sum() + _HALF * len(counts))

"""Which kind of exit: P(kind | the customer leaves within three months, signals).

    P = z softmax(log(share) + Z b_kind) + (1 - z) share,        z = n / (n + 25)

with Z the squashed signals, `share` the kind's among labelled exits, and n how many of these were
seen. b has a normal prior, whose width exits of customers decide that were left out of the fit;
where signals say nothing of those, shares are the portfolio's. A multinomial logit after McFadden
(1974), "Conditional Logit Analysis of Qualitative Choice Behavior".
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from training.person_periods import Matrix
from training.squashing import Squashing, fit_squashing
from valuation.arrays import weighted_row_sums

Values = NDArray[np.float64]
KINDS = ("voluntary", "involuntary", "other")
"""The contract's labels of `cancel`; kind 1 is the first of them, 0 is not known."""
WITHIN_MONTHS = 3
FEWEST_LABELLED = 50
"""Below so many exits with a label nothing is said of kinds."""
MOST_ROWS = 10_000
EXITS_OF_EVEN_WEIGHT = 25
"""With so many labelled exits signals and the portfolio's shares weigh the same."""
_DEVIATIONS = (0.03, 0.1, 0.3)
_FOLDS = 5
_MOST_STEPS = 60
_LEAST = 1e-6


@dataclass(frozen=True)
class ExitKinds:
    """Hold the portfolio's shares of KINDS, and what signals change about them.

    `coefficients` (1 + n_inputs, n_kinds), the level first; without any, shares are everybody's.
    `weight` is z, that of what signals say.
    """

    shares: tuple[float, ...]
    squashing: Squashing | None = None
    coefficients: Values = field(default_factory=lambda: np.zeros((0, len(KINDS))))
    weight: float = 0.0

    def of_customers(self, signals: Matrix, noticed: NDArray[np.int64]) -> Values:
        """Return P(kind | leaves within three months), shape (n, n_kinds); rows add up to 1.

        `noticed` (n,) is the kind of a notice that stands, 0 where none does: it is then certain.
        """
        expected = np.broadcast_to(np.array(self.shares), (len(signals), len(KINDS)))
        if self.squashing is not None:
            inputs = _inputs(self.squashing, signals)
            said = np.column_stack(
                [weighted_row_sums(inputs, of_kind) for of_kind in self.coefficients.T]
            )
            # A kind that was never seen stays at 0.
            logs = np.where(np.array(self.shares) > 0, _log_shares(self.shares), -np.inf)
            expected = self.weight * softmax(logs + said, axis=1) + (1 - self.weight) * expected
        return np.where(noticed[:, None] > 0, np.eye(len(KINDS) + 1)[noticed, 1:], expected)


def fit_exit_kinds(
    signals: Matrix,
    exit_month: NDArray[np.int64],
    kind: NDArray[np.int64],
    customer: NDArray[np.uint64],
) -> ExitKinds | None:
    """Fit on landmark rows, shape (n,) each; None with too few labelled exits.

    Parameters
    ----------
    signals : (n, n_signals)
    exit_month : (n,)
        Month of the exit, 0 where none was seen.
    kind : (n,)
        Number of the kind from 1 where the exit is labelled, else 0.
    customer : (n,)
        Their `customer_keys`, by which exits are left out together.
    """
    seen = (kind > 0) & (exit_month > 0) & (exit_month <= WITHIN_MONTHS)
    n_exits = int((seen & (exit_month == 1)).sum())
    if n_exits < FEWEST_LABELLED:
        return None
    rows = np.flatnonzero(seen)
    if len(rows) > MOST_ROWS:
        rows = rows[:: -(-len(rows) // MOST_ROWS)]
    # An exit is seen from up to three landmarks, and counts once.
    weight = min(1.0, n_exits / int(seen.sum()))
    came = np.eye(len(KINDS))[kind[rows] - 1]
    shares = tuple(float(share) for share in came.mean(axis=0))
    squashing = fit_squashing(signals[rows])
    inputs = _inputs(squashing, signals[rows])
    deviation = _best_deviation(inputs, came, customer[rows] % np.uint64(_FOLDS), weight)
    if deviation is None:
        return ExitKinds(shares)
    coefficients = _coefficients(inputs, came, weight, deviation)
    return ExitKinds(shares, squashing, coefficients, n_exits / (n_exits + EXITS_OF_EVEN_WEIGHT))


def exit_kinds_as_json(kinds: ExitKinds | None) -> dict[str, Any] | None:
    """Return what is known of kinds as lists and numbers."""
    if kinds is None:
        return None
    arrays = {} if kinds.squashing is None else vars(kinds.squashing)
    return {
        "shares": list(kinds.shares),
        "squashing": {name: array.tolist() for name, array in arrays.items()},
        "coefficients": kinds.coefficients.tolist(),
        "weight": kinds.weight,
    }


def exit_kinds_from_json(parts: dict[str, Any] | None) -> ExitKinds | None:
    """Return what `exit_kinds_as_json` wrote."""
    if parts is None:
        return None
    if not parts["squashing"]:
        return ExitKinds(tuple(parts["shares"]))
    squashing = Squashing(**{name: np.array(array) for name, array in parts["squashing"].items()})
    coefficients = np.array(parts["coefficients"])
    return ExitKinds(tuple(parts["shares"]), squashing, coefficients, parts["weight"])


def loss_of(share: Values) -> Values:
    """Return -log of the share that the kind which came was given, held off 0."""
    return -np.log(np.maximum(share, _LEAST))


def _best_deviation(
    inputs: Values, came: Values, fold: NDArray[np.uint64], weight: float
) -> float | None:
    """Return the prior's width that says most of exits left out; None where none beats shares."""
    base, *said = np.zeros((1 + len(_DEVIATIONS), len(came)))
    for number in range(_FOLDS):
        out = fold == number
        known, then = came[~out], came[out]
        if not len(known):
            return None
        base[out] = loss_of(then @ known.mean(axis=0))
        for loss, deviation in zip(said, _DEVIATIONS, strict=True):
            coefficients = _coefficients(inputs[~out], known, weight, deviation)
            logs = _log_shares(known.mean(axis=0)) + inputs[out] @ coefficients
            loss[out] = loss_of((softmax(logs, axis=1) * then).sum(axis=1))
    best = int(np.argmin([loss.mean() for loss in said]))
    return _DEVIATIONS[best] if said[best].mean() < base.mean() else None


def _coefficients(inputs: Values, came: Values, weight: float, deviation: float) -> Values:
    level = _log_shares(came.mean(axis=0))
    shape = inputs.shape[1], len(KINDS)
    precision = np.full((shape[0], 1), deviation**-2)
    precision[0] = 1.0

    def loss(flat: Values) -> tuple[float, Values]:
        coefficients = flat.reshape(shape)
        logs = log_softmax(level + inputs @ coefficients, axis=1)
        fit = -weight * (came * logs).sum()
        slope = weight * inputs.T @ (np.exp(logs) - came) + precision * coefficients
        prior = (precision * np.square(coefficients)).sum() / 2
        return float(fit + prior) / len(came), slope.ravel() / len(came)

    start = np.zeros(np.prod(shape))
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS})
    return best.x.reshape(shape)


def _inputs(squashing: Squashing, signals: Matrix) -> Values:
    inputs = np.column_stack([np.ones(len(signals)), squashing.inputs(signals)])
    return np.ascontiguousarray(inputs)


def _log_shares(shares: tuple[float, ...] | Values) -> Values:
    """Return logs of shares, finite also for a kind that was never seen."""
    return np.log(np.maximum(shares, _LEAST))

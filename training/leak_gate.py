"""The gate before training that looks for facts which know the outcome.

Signals of events are computed from what was known before an instant, and the canary holds them to
it. Attributes are taken from the customers table as known at `acquired_at`: one that was filled
in later, when the customer had left, gives the outcome away and no canary can see it.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from features.catalogue import signal_matrix
from features.kernel import Moment
from training.actual import actual_after
from training.gate import Gate
from training.known import Known
from training.leak_check import require_no_leak_at_a_landmark

TOO_GOOD = 0.9
"""No fact about a newcomer tells so well who leaves years later."""
FEWEST_OF_EACH = 10
MOST_MONTHS = 3
Values = NDArray[np.float64]


def leak_gate(known: Known) -> Gate:
    """Hold the canary, and find attributes that tell too well who left after a landmark.

    Raises
    ------
    LeakFoundError
        If a signal knew what came after a landmark: then the code is at fault, not the data.
    """
    require_no_leak_at_a_landmark(known)
    found = {name: auc for name, auc in _separations(known).items() if max(auc, 1 - auc) > TOO_GOOD}
    if not found:
        return Gate(
            "leak", passed=True, found="the canary lives, and no attribute knows the outcome"
        )
    told = ", ".join(f"{name} (AUC {max(auc, 1 - auc):.3f})" for name, auc in found.items())
    way_out = (
        f"expected an AUC of at most {TOO_GOOD}; an attribute must be known at acquired_at: take "
        "it out of features.attributes"
    )
    return Gate(
        "leak", passed=False, found=f"too good to be true: {told}", way_out=way_out, figures=found
    )


def _separations(known: Known) -> dict[str, float]:
    """Return the AUC of each attribute for leaving soon after the landmark a quarter back."""
    signals = tuple(signal for signal in known.signals if signal.group == "attributes")
    ahead = [each for each in known.landmarks if each.months_observed <= MOST_MONTHS]
    landmark = ahead[-1] if ahead else next(iter(known.landmarks))
    values, left = [], []
    for block in known.blocks() if signals else ():
        moment = Moment(
            block.history, block.profiles, landmark.as_of, known.business, known.landmarks[landmark]
        )
        months = landmark.months_observed
        actual = actual_after(block, landmark.as_of, months, known.business)
        there = _there(moment, known.business.contract)
        values.append(signal_matrix(moment, signals)[there])
        left.append(actual.churned(months, known.business)[there])
    if not values:
        return {}
    outcome = np.concatenate(left)
    columns = np.concatenate(values).T
    pairs = zip(signals, columns, strict=True)
    return {signal.name: _auc(column, outcome) for signal, column in pairs}


def _there(moment: Moment, contract: str) -> NDArray[np.bool_]:
    if contract == "subscription":
        return np.asarray(moment.plan.is_open, dtype=np.bool_)
    return np.diff(moment.history.offsets) > 0


def _auc(values: Values, outcome: NDArray[np.bool_]) -> float:
    is_known = np.isfinite(values)
    held, came = values[is_known], outcome[is_known]
    if min(came.sum(), (~came).sum()) < FEWEST_OF_EACH:
        return 0.5
    return float(roc_auc_score(came, held))

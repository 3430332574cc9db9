"""What a campaign's outcomes teach: signals as of assignment, arm, who stayed."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.catalogue import signal_matrix
from features.kernel import Moment
from features.log import Log
from features.signal import Signal
from training.bundle import Bundle
from training.experiments.assignments import CONTROL, Assignments
from training.experiments.effects import paired
from training.experiments.outcomes import Measure, followed, outcomes_since
from training.uplift.learners import Lesson
from valuation.effects import Arms
from valuation.targeting import Trial

Values = NDArray[np.float64]


@dataclass(frozen=True)
class CampaignLesson:
    """Hold a lesson whose outcome is staying, and the signals its inputs are, in order."""

    lesson: Lesson
    signals: tuple[Signal, ...]

    @property
    def left(self) -> Arms:
        """Who left, ones and zeros an arm."""
        gone = 1 - self.lesson.trial.outcome
        return Arms(gone[self.lesson.treated], gone[~self.lesson.treated])


def lesson_of(
    log: Log, assignments: Assignments, arm: str, measure: Measure, bundle: Bundle
) -> CampaignLesson:
    """Return what can be learned of an arm against the control, windows over alone.

    Signals are those of the model, as of 00:00 of the day of assignment, blind to campaigns. The
    propensity is the share of the two arms that was treated, of those who were assigned at the
    same control share; where all of them are in one arm they teach nothing.
    """
    signals = tuple(bundle.model.signals)
    kept = measure.is_over(assignments.at) & np.isin(assignments.arm, (arm, CONTROL))
    chosen = assignments.only(kept)
    inputs = [np.empty((0, len(signals)), dtype=np.float32)]
    stayed, rows = [np.empty(0)], [np.empty(0, dtype=np.int64)]
    for block, day, numbers in followed(log, chosen, measure):
        moment = Moment(block.history, block.profiles, day, bundle.business, bundle.references)
        inputs.append(signal_matrix(moment, signals).astype(np.float32))
        stayed.append(outcomes_since(block, day, replace(measure, bundle=None)).stayed)
        rows.append(numbers)
    row = np.concatenate(rows)
    treated = (chosen.arm[row] == arm).astype(np.float64)
    share = _share_treated(treated, chosen.control_share[row])
    trial = Trial(treated, np.concatenate(stayed), share)
    known = np.flatnonzero(paired(chosen, row, arm))
    return CampaignLesson(Lesson(np.concatenate(inputs), trial).rows(known), signals)


def _share_treated(treated: Values, control_share: Values) -> Values:
    """Return the share treated of those who were assigned at the same control share, (n,)."""
    _, stratum = np.unique(control_share, return_inverse=True)
    shares = np.bincount(stratum, weights=treated) / np.bincount(stratum)
    return np.asarray(shares[stratum])

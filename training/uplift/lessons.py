"""What a campaign's outcomes teach: signals as of assignment, arm, who stayed."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.catalogue import signal_matrix
from features.kernel import Moment
from features.log import Log
from features.signal import Signal
from features.timeline import timeline_of
from training.bundle import Bundle
from training.exit_kinds import KINDS
from training.experiments.assignments import CONTROL, Assignments
from training.experiments.effects import paired
from training.experiments.outcomes import Measure, followed, outcomes_since
from training.outcomes import exit_kinds
from training.uplift.learners import Lesson
from training.uplift.responses import FEWEST_LEAVERS
from valuation.effects import Arms
from valuation.targeting import Trial

Values = NDArray[np.float64]


@dataclass(frozen=True)
class CampaignLesson:
    """Hold a lesson whose outcome is staying, and the signals its inputs are, in order.

    `exit_kind` (n,) is the number in `KINDS` from 1 of the exit of those who left, 0 where it is
    not known.
    """

    lesson: Lesson
    signals: tuple[Signal, ...]
    exit_kind: NDArray[np.int64]

    @property
    def left(self) -> Arms:
        """Who left, ones and zeros an arm."""
        return self._arms(1 - self.lesson.trial.outcome)

    @property
    def knows_kinds(self) -> bool:
        """Whether each arm has enough exits with a label; else nothing is said of kinds."""
        labelled = self._arms((1 - self.lesson.trial.outcome) * (self.exit_kind > 0))
        return bool(min(labelled.treated.sum(), labelled.control.sum()) >= FEWEST_LEAVERS)

    @property
    def left_voluntarily(self) -> Arms:
        """Who left voluntarily, in [0, 1] an arm; all who left where kinds are not known.

        An exit without a label counts by the share of voluntary ones among the arm's labelled.
        """
        if not self.knows_kinds:
            return self.left
        left, kinds = self.left, self._arms(self.exit_kind)
        return Arms(*(_voluntary(*arm) for arm in zip(left, kinds, strict=True)))

    def _arms(self, values: NDArray[Any]) -> Arms:
        return Arms(values[self.lesson.treated], values[~self.lesson.treated])


def _voluntary(gone: Values, kind: Values) -> Values:
    is_voluntary = kind == 1 + KINDS.index("voluntary")
    share = is_voluntary[(gone > 0) & (kind > 0)].mean()
    return gone * np.where(kind > 0, is_voluntary, share)


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
    churn = [np.empty(0)]
    kinds = [np.empty(0, dtype=np.int64)]
    for block, day, numbers in followed(log, chosen, measure):
        moment = Moment(block.history, block.profiles, day, bundle.business, bundle.references)
        inputs.append(signal_matrix(moment, signals).astype(np.float32))
        stayed.append(outcomes_since(block, day, replace(measure, bundle=None)).stayed)
        forecast = bundle.model.forecast(moment, bundle.business, measure.months)
        churn.append(forecast.churn[:, -1])
        timeline = timeline_of(block.history, bundle.business)
        kinds.append(exit_kinds(block.history, timeline, day, lapsed=1))
        rows.append(numbers)
    row = np.concatenate(rows)
    treated = (chosen.arm[row] == arm).astype(np.float64)
    share = _share_treated(treated, chosen.control_share[row])
    trial = Trial(treated, np.concatenate(stayed), share)
    known = np.flatnonzero(paired(chosen, row, arm))
    lesson = Lesson(np.concatenate(inputs), trial, np.concatenate(churn)).rows(known)
    return CampaignLesson(lesson, signals, np.concatenate(kinds)[known])


def _share_treated(treated: Values, control_share: Values) -> Values:
    """Return the share treated of those who were assigned at the same control share, (n,)."""
    _, stratum = np.unique(control_share, return_inverse=True)
    shares = np.bincount(stratum, weights=treated) / np.bincount(stratum)
    return np.asarray(shares[stratum])

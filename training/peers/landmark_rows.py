"""Landmark rows for peers, from few landmarks: they need not see everybody every month."""

from collections.abc import Iterator

import numpy as np

from features.blocks import Block
from features.catalogue import signal_matrix
from features.kernel import Moment
from features.months import month_edges
from features.timeline import Timeline
from training.known import Known
from training.landmark_rows import LandmarkRows
from training.landmarks import landmarks_of_curves
from training.outcomes import exit_months


def landmark_rows(block: Block, timeline: Timeline, known: Known) -> Iterator[LandmarkRows]:
    """Yield the rows of a block as it was known at the cutoff, a landmark at a time."""
    business = known.business
    for landmark in landmarks_of_curves(known.landmarks):
        references = known.landmarks[landmark]
        moment = Moment(block.history, block.profiles, landmark.as_of, business, references)
        there = moment.plan.is_open
        edges = month_edges(landmark.as_of, landmark.months_observed, business.month)
        yield LandmarkRows(
            signal_matrix(moment, known.signals)[there].astype(np.float32),
            exit_months(timeline, edges)[there],
            np.full(int(there.sum()), landmark.months_observed),
        )

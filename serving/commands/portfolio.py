"""The whole portfolio scored from the log, slice by slice, by one process or several."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import pyarrow as pa

from features.blocks import block_of_slice
from features.instants import datetime_of, instant_of
from features.log import Log
from features.mistakes import InputRefusedError, Mistake
from features.months import shift_months
from features.slices import Slice, slices
from features.snapshots import workers_for
from features.workers import worked
from serving.commands.progress import Tell
from serving.workspace import Workspace
from training.bundle import Bundle
from training.changes import value_changes
from training.known import observed_bounds
from training.score_table import score_table
from training.scoring import score

SHARE_OF_SCORING = 0.8
"""How far the progress of `keepworth score` is when everybody is scored."""


@dataclass(frozen=True)
class Portfolio:
    """Hold the scores of all customers as of an instant, and what changed in a month."""

    table: pa.Table
    changes: pd.DataFrame


def valued(
    workspace: Workspace,
    bundle: Bundle,
    as_of: datetime,
    workers: int | None = None,
    tell: Tell = lambda _what, _share: None,
) -> Portfolio:
    """Score everybody visible at `as_of`, and the same customers a month earlier.

    The order is that of slices and of customers in them, whoever works on them.

    Raises
    ------
    InputRefusedError
        If nobody is visible then.
    """
    log = workspace.log()
    work = _SliceScores(log, bundle, as_of)
    found, passed = [], 0
    for part in worked(work, slices(log), workers or workers_for(2 * log.n_events)):
        passed += part.events
        tell(
            f"scored {passed:,} of {log.n_events:,} events",
            SHARE_OF_SCORING * passed / log.n_events,
        )
        found.append(part)
    changes = [part.changes for part in found if part.changes is not None]
    if not changes:
        raise InputRefusedError("nobody is there to score", [too_early(workspace, as_of)])
    tables = [part.table for part in found if part.table is not None]
    return Portfolio(pa.concat_tables(tables), pd.concat(changes, ignore_index=True))


def too_early(workspace: Workspace, as_of: datetime) -> Mistake:
    """Say that nothing was visible at an instant, and when something was."""
    since, until = observed_bounds(workspace.log(), workspace.configuration.business)
    return Mistake(
        "--as-of",
        as_of.isoformat(),
        f"give an instant after the first event, {datetime_of(since):%Y-%m-%d}, up to "
        f"{datetime_of(until):%Y-%m-%d}",
    )


@dataclass(frozen=True)
class _Scored:
    """Hold what a slice of so many events gave; None where nobody of it was visible."""

    events: int
    table: pa.Table | None = None
    changes: pd.DataFrame | None = None


@dataclass(frozen=True)
class _SliceScores:
    """Score a slice now, and as it was a month before."""

    log: Log
    bundle: Bundle
    as_of: datetime

    def __call__(self, part: Slice) -> _Scored:
        bundle, now = self.bundle, instant_of(self.as_of)
        before = int(shift_months(now, -1, bundle.business.month))
        attributes = list(bundle.vocabulary.levels)
        block = block_of_slice(self.log, part, bundle.business, attributes, self.as_of)
        if not block.history.n_customers:
            return _Scored(part.events)
        scores = score(bundle, block, now)
        earlier = score(bundle, block, before)
        changes = value_changes(earlier, scores, bundle.business.annual_discount_rate)
        return _Scored(part.events, score_table(scores, bundle.business), changes)

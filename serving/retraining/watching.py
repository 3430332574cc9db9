"""Watching what serves: drift, what came of its forecasts, and how fresh its data is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from features.instants import datetime_of
from serving.store.draining import count_waiting
from serving.store.serving_version import find_version, load_version
from serving.workspace import Workspace
from training.data_gates import data_gates
from training.drift import Drift
from training.gate import Gate, as_rows
from training.known import observed_bounds
from training.realised import Realised, realised_since
from training.recent_periods import times_of
from training.reference_files import drift_at, read_reference


@dataclass(frozen=True)
class Watched:
    """Hold what was found of the version that serves, as of the end of observation.

    `drift` is None where the version has no reference, `realised` empty where no month is over.
    `age_days` is how long before `now` the newest event lies.
    """

    version: str
    currency: str
    exits_in_words: str
    now: datetime
    as_of: datetime
    trained_until: datetime
    drift: Drift | None
    realised: Sequence[Realised]
    data_gates: Sequence[Gate]
    newest_event: datetime
    age_days: float
    waiting_events: int

    def as_row(self) -> dict[str, Any]:
        """Return all of it as JSON gives it."""
        return {
            "model_version": self.version,
            "at": self.now.isoformat(),
            "as_of": self.as_of.isoformat(),
            "trained_until": self.trained_until.isoformat(),
            "drift": None if self.drift is None else _drift_row(self.drift),
            "realised": [each.as_row() for each in self.realised],
            "data_gates": as_rows(self.data_gates),
            "freshness": {
                "newest_event": self.newest_event.isoformat(),
                "age_days": self.age_days,
                "waiting_events": self.waiting_events,
            },
        }


def watch(workspace: Workspace, now: datetime) -> Watched:
    """Look at the version that serves; nothing is changed.

    Raises
    ------
    NotFoundError
        If nothing serves, or the log is empty.
    """
    configuration, log = workspace.configuration, workspace.log()
    version = find_version(workspace.store).version
    bundle = load_version(workspace.store, version)
    _, until = observed_bounds(log, configuration.business)
    reference = read_reference(workspace.models / version)
    rate = configuration.retraining.false_alarm_rate
    newest = times_of(log, now)[3]
    return Watched(
        version=version,
        currency=bundle.business.currency,
        exits_in_words=bundle.business.exits_in_words,
        now=now,
        as_of=datetime_of(until),
        trained_until=datetime_of(bundle.cutoff),
        drift=None if reference is None else drift_at(bundle, reference, log, until, rate),
        realised=realised_since(bundle, log, until),
        data_gates=data_gates(log, until, now, configuration.retraining),
        newest_event=newest,
        age_days=(now - newest) / timedelta(days=1),
        waiting_events=count_waiting(workspace.store),
    )


def _drift_row(drift: Drift) -> dict[str, Any]:
    return {
        "n_signals": drift.n_signals,
        "n_reference": drift.n_reference,
        "n_now": drift.n_now,
        "noise": drift.noise,
        "n_alarms": len(drift.alarms),
        "equity_moved": max((abs(each.equity_share) for each in drift.alarms), default=0.0),
        "signals": [asdict(each) for each in drift.signals],
    }

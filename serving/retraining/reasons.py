"""Why a retraining is due, or not: the reasons of `training.due`, on what serves and on the log."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from serving.retraining.site import differ_by_data_alone
from serving.store.decisions import newest_decided
from serving.workspace import Workspace
from training.comparison import Champion, Ground
from training.due import (
    Reason,
    of_calibration,
    of_catalogue,
    of_drift,
    of_outcomes,
    of_schedule,
)
from training.realised import realised_since
from training.recipe import Recipe
from training.reference_files import drift_at, read_reference


@dataclass(frozen=True)
class Serving:
    """Hold what serves; `champion` is None where nothing does, or `complaint` says it cannot."""

    champion: Champion | None
    version: str | None = None
    complaint: str = ""


def waiting_since_refusal(workspace: Workspace, key: str, now: datetime) -> Reason | None:
    """Return why nothing is due yet: a version was refused lately, and only data came since."""
    last, days = newest_decided(workspace.store), workspace.configuration.retraining.retry_days
    if last is None or last.outcome != "refused" or not differ_by_data_alone(last.run_key, key):
        return None
    age = (now - datetime.fromisoformat(last.at)) / timedelta(days=1)
    if age >= days:
        return None
    found = (
        f"version {last.version} was refused {age:,.1f} days ago; tried again after {days}, or "
        "once configuration or code change"
    )
    return Reason("refusal", is_due=False, found=found)


def reasons_of(workspace: Workspace, serving: Serving, own: Recipe, cutoff: int) -> list[Reason]:
    """Look at every reason; without a champion there is but one."""
    if serving.champion is None:
        return [Reason("champion", is_due=True, found=serving.complaint or "no version serves yet")]
    log, rules = workspace.log(), workspace.configuration.retraining
    champion, bundle = serving.champion, serving.champion.bundle
    ground = Ground(log, workspace.configuration.business, rules)
    reference = read_reference(workspace.models / str(serving.version))
    rate = rules.false_alarm_rate
    drift = drift_at(bundle, reference, log, cutoff, rate) if reference else None
    realised = realised_since(bundle, log, cutoff)
    return [
        of_schedule(bundle, cutoff, rules),
        of_outcomes(ground, bundle.cutoff, cutoff),
        of_catalogue(ground, champion, own, cutoff),
        of_drift(drift, rules),
        of_calibration(realised[0] if realised else None, ground),
    ]

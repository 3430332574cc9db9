"""Why a retraining is due, or not: the reasons of `training.due`, on what serves and on the log."""

from dataclasses import dataclass

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
        of_calibration(realised[0] if realised else None, rules),
    ]

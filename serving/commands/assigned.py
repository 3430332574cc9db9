"""Who was assigned to a campaign: by the log, at the control shares that the live store knows."""

from datetime import datetime

from serving.campaigns.overview import control_shares_of
from serving.workspace import Workspace
from training.experiments.assignments import Assignments, assignments_of


def assigned(
    workspace: Workspace, campaign: str, before: datetime, elsewhere: float | None = None
) -> Assignments:
    """Return the assignments of a campaign that were visible before an instant.

    `elsewhere` is the control share of those of whom the live store knows nothing. Raises as
    `assignments_of` does.
    """
    found = assignments_of(workspace.log(), campaign, before)
    return found.promised(control_shares_of(workspace.store, campaign), elsewhere)

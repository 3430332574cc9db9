"""Campaigns written into the configuration of a copied workspace."""

from pathlib import Path

from serving.workspace import Workspace
from tests.serving.api.calls import copy_of

CARE = """
[[campaigns]]
name = "care"
audience = "churn_3m >= 0 AND support_90d >= 1"
on = ["support"]
offer = "a call back"
contact_cost = 0.0
offer_cost = 0.0
save_rate = 0.5
stayer_acceptance = 0.1
control_share = 0.0
"""
STAY = """
[[campaigns]]
name = "stay"
audience = "churn_3m > 0.05"
offer = "three months at half price"
contact_cost = 0.5
offer_cost = 8.0
save_rate = 0.4
stayer_acceptance = 0.1
control_share = 0.3
monthly_budget = 400.0
"""


def with_campaigns(workspace: Workspace, folder: Path, *texts: str) -> Workspace:
    """Return a copy of a workspace whose configuration has these tables too."""
    return copy_of(workspace, folder, *texts)

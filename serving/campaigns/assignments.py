"""Assignments: the arms that decisions give, as the log will hold them."""

import hashlib
from dataclasses import dataclass

from serving.campaigns.campaign import GLOBAL
from serving.campaigns.control import CONTROL, TREATED, draw_of
from serving.campaigns.decisions import Decision, Rulebook
from serving.store.live_events import LiveEvent


@dataclass(frozen=True)
class Assignment:
    """Hold the arm that a customer is given in a campaign, or in all of them together (GLOBAL)."""

    campaign: str
    customer_id: str
    arm: str
    draw: float
    control_share: float

    def event(self, at: int) -> LiveEvent:
        """Return the event that says so; its id is the same whenever it is said."""
        said = f"{self.campaign}\0{self.customer_id}"
        event_id = f"assignment-{hashlib.sha256(said.encode()).hexdigest()[:32]}"
        label = f"{self.campaign}/{self.arm}"
        return LiveEvent(event_id, self.customer_id, "assignment", at, at, label=label)


def assignments_of(decision: Decision, book: Rulebook) -> list[Assignment]:
    """Return the arms that a decision gives: in all campaigns together, and in the one's own.

    Whoever is in the control group of all has no arm in a single one.
    """
    if decision.option is None or decision.draw is None:
        return []
    customer_id, name = decision.candidate.customer_id, decision.option.campaign
    share = {each.name: each.control_share for each in book.campaigns}[name]
    is_global = decision.outcome == "global_control"
    own = CONTROL if decision.outcome == "control" else TREATED
    found = [] if is_global else [Assignment(name, customer_id, own, decision.draw, share)]
    of_all = book.rules.global_control_share
    if of_all or is_global:
        arm, draw = CONTROL if is_global else TREATED, draw_of(GLOBAL, customer_id)
        found.append(Assignment(GLOBAL, customer_id, arm, draw, of_all))
    return found

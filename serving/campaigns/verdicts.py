"""Verdicts: why a campaign may not have a customer now, in words; nothing where it may."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from serving.campaigns.campaign import Campaign, ContactRules
from serving.campaigns.candidates import Candidate, Option

NOT_ELIGIBLE = "not eligible"
NO_CONSENT = "no consent"
LEFT_ALONE = "left alone: a contact is expected to drive away more than it keeps"
COOLING = "contacted by this campaign too lately"
CAPPED = "contacted too often lately"
NO_PROFIT = "brings nothing"


@dataclass(frozen=True)
class Before:
    """Hold which campaigns chose or contacted a customer before, and when.

    Control groups count as contacts.
    """

    chosen: Sequence[tuple[str, datetime]]
    rules: ContactRules
    now: datetime

    def is_cooling(self, campaign: Campaign) -> bool:
        """Return whether the campaign's cooldown still runs."""
        since = self.now - timedelta(days=campaign.cooldown_days)
        return any(name == campaign.name and at > since for name, at in self.chosen)

    def is_capped(self) -> bool:
        """Return whether all campaigns together have contacted the customer as often as may be."""
        if self.rules.most_contacts is None:
            return False
        since = self.now - timedelta(days=self.rules.within_days)
        return sum(at > since for _, at in self.chosen) >= self.rules.most_contacts

    def against(self, campaign: Campaign) -> str:
        """Return why contacts before keep a campaign from the customer; empty if they do not."""
        if self.is_cooling(campaign):
            return COOLING
        return CAPPED if self.is_capped() else ""


def verdict_on(candidate: Candidate, option: Option, campaign: Campaign, before: Before) -> str:
    """Return why a campaign may not have a candidate now; empty where it may."""
    if not option.is_eligible:
        return NOT_ELIGIBLE
    if campaign.requires_consent and not candidate.consent:
        return NO_CONSENT
    if option.retention_change < 0:
        return LEFT_ALONE
    if said := before.against(campaign):
        return said
    return "" if option.expected_profit > 0 else NO_PROFIT

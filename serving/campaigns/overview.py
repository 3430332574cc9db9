"""How campaigns stand: what they have decided, what budgets hold, whether arms are as promised."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from serving.campaigns.budgets import periods_of
from serving.campaigns.campaign import GLOBAL, Campaign
from serving.campaigns.control import CONTROL
from serving.campaigns.decisions import Rulebook
from serving.store.database import LiveStore
from serving.store.tables import campaign_assignment, campaign_budget, campaign_decision
from valuation.sample_ratio import SampleRatio, sample_ratio

_DECISION = campaign_decision.c
_CONTACTS = (
    select(_DECISION.campaign, func.count(), func.sum(_DECISION.expected_profit))
    .where(_DECISION.outcome == "contact")
    .group_by(_DECISION.campaign)
)


@dataclass(frozen=True)
class Arms:
    """Count who was assigned; `control_promised` adds up the shares that held when they were."""

    assigned: int = 0
    control: int = 0
    control_promised: float = 0.0

    @property
    def sample_ratio(self) -> SampleRatio | None:
        """The test of the counts; None where nobody was assigned, or to one arm alone."""
        share = self.control_promised / self.assigned if self.assigned else 0.0
        if not 0 < share < 1:
            return None
        return sample_ratio([self.control, self.assigned - self.control], [share, 1 - share])


@dataclass(frozen=True)
class CampaignStanding:
    """Hold how one campaign stands; money in major units."""

    campaign: Campaign
    is_live: bool
    contacts: int
    expected_profit: float
    reserved_today: float
    reserved_this_month: float
    arms: Arms


def standing_of_campaigns(
    store: LiveStore, book: Rulebook, now: datetime
) -> list[CampaignStanding]:
    """Return how every campaign stands, in the order of the configuration."""
    day, month = periods_of(now, book)
    with store.reading() as connection:
        contacts, reserved = _contacts(connection), _reserved(connection)
        arms = arms_of(connection)
    nobody = (0, 0.0)
    return [
        CampaignStanding(
            each,
            each.is_live(now),
            *contacts.get(each.name, nobody),
            reserved.get((each.name, day), 0) / book.minor_units,
            reserved.get((each.name, month), 0) / book.minor_units,
            arms.get(each.name, Arms()),
        )
        for each in book.campaigns
    ]


def global_control(store: LiveStore, book: Rulebook) -> dict[str, Any]:
    """Return how the control group of all campaigns together stands, ready for JSON."""
    with store.reading() as connection:
        arms = arms_of(connection).get(GLOBAL, Arms())
    return {"control_share": book.rules.global_control_share} | _content_of_arms(arms)


def arms_of(connection: Connection) -> dict[str, Arms]:
    """Return who was assigned, by campaign, that of all campaigns together included."""
    table = campaign_assignment.c
    counts = select(table.campaign, table.arm, func.count(), func.sum(table.control_share))
    found: dict[str, Arms] = {}
    for campaign, arm, count, share in connection.execute(
        counts.group_by(table.campaign, table.arm)
    ):
        before = found.get(campaign, Arms())
        found[campaign] = Arms(
            before.assigned + count,
            before.control + count * (arm == CONTROL),
            before.control_promised + share,
        )
    return found


def control_shares_of(store: LiveStore, campaign: str) -> dict[str, float]:
    """Return the control share at which each customer was assigned here to a campaign."""
    table = campaign_assignment.c
    wanted = select(table.customer_id, table.control_share).where(table.campaign == campaign)
    with store.reading() as connection:
        return {customer: float(share) for customer, share in connection.execute(wanted)}


def content_of(standing: CampaignStanding) -> dict[str, Any]:
    """Return how a campaign stands, ready for JSON."""
    campaign = standing.campaign
    return {
        "campaign": campaign.name,
        "offer": campaign.offer,
        "on": list(campaign.on),
        "live": standing.is_live,
        "contacts": standing.contacts,
        "expected_profit": standing.expected_profit,
        "reserved_today": standing.reserved_today,
        "reserved_this_month": standing.reserved_this_month,
        "daily_budget": campaign.daily_budget,
        "monthly_budget": campaign.monthly_budget,
        "control_share": campaign.control_share,
    } | _content_of_arms(standing.arms)


def _content_of_arms(arms: Arms) -> dict[str, Any]:
    ratio = arms.sample_ratio
    return {
        "assigned": arms.assigned,
        "in_control": arms.control,
        "control_promised": arms.control_promised,
        "sample_ratio_p_value": ratio.p_value if ratio else None,
        "sample_ratio_mismatch": ratio.is_mismatch if ratio else False,
    }


def _contacts(connection: Connection) -> dict[str, tuple[int, float]]:
    rows = connection.execute(_CONTACTS)
    return {campaign: (int(count), float(profit)) for campaign, count, profit in rows}


def _reserved(connection: Connection) -> dict[tuple[str, str], int]:
    table = campaign_budget.c
    rows = connection.execute(select(table.campaign, table.period, table.reserved))
    return {(campaign, period): int(reserved) for campaign, period, reserved in rows}

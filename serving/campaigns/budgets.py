"""Budgets: what contacts may cost at most, counted by day and month, never passed.

A contact reserves its own cost and that of its offer, as the offer may be accepted.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from serving.campaigns.campaign import Campaign
from serving.campaigns.decisions import Decision, Rulebook

Reserved = Mapping[tuple[str, str], int]
"""Minor units by campaign and period."""


def periods_of(now: datetime, book: Rulebook) -> tuple[str, str]:
    """Return the names of the day and the month in which a decision falls, by the rules' clock."""
    local = now.astimezone(ZoneInfo(book.rules.time_zone))
    return f"{local:%Y-%m-%d}", f"{local:%Y-%m}"


def left_of(campaign: Campaign, book: Rulebook, reserved: Reserved, now: datetime) -> int | None:
    """Return what the tighter of a campaign's budgets still holds; None without any."""
    budgets = (campaign.daily_budget, campaign.monthly_budget)
    left = [
        math.floor(round(budget * book.minor_units, 6)) - reserved.get((campaign.name, period), 0)
        for budget, period in zip(budgets, periods_of(now, book), strict=True)
        if budget is not None
    ]
    return min(left) if left else None


def reserved_by(
    decisions: Iterable[Decision], book: Rulebook, now: datetime
) -> dict[tuple[str, str], int]:
    """Add up what decisions reserve, by campaign and period."""
    total: defaultdict[tuple[str, str], int] = defaultdict(int)
    for decision in decisions:
        if decision.option and decision.reserved:
            for period in periods_of(now, book):
                total[decision.option.campaign, period] += decision.reserved
    return dict(total)

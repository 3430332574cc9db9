"""Campaigns and candidates for tests: what matters is said, the rest is plain."""

from datetime import UTC, datetime, timedelta

from features.erasure import NOBODY_ERASED
from serving.campaigns.campaign import Campaign, ContactRules
from serving.campaigns.candidates import Candidate, Option
from serving.campaigns.decisions import Rulebook

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class NobodyErased:
    erased = NOBODY_ERASED


def campaign(name="stay", **said):
    plain = {
        "audience": "churn_3m > 0.1",
        "offer": "a month free",
        "contact_cost": 1.0,
        "offer_cost": 9.0,
        "save_rate": 0.3,
        "stayer_acceptance": 0.1,
        "control_share": 0.0,
    }
    return Campaign(name=name, **(plain | said))


def book(*campaigns, **rules):
    return Rulebook(campaigns or (campaign(),), ContactRules(**rules), 100)


def option(profit=5.0, name="stay", **said):
    plain = {
        "is_eligible": True,
        "profit_low": profit - 1,
        "profit_high": profit + 1,
        "chance_of_profit": 0.9,
        "break_even_offer_cost": 20.0,
        "acceptance": 0.2,
        "clv_if_saved": 100.0,
        "retention_change": 0.05,
    }
    return Option(campaign=name, expected_profit=profit, **(plain | said))


def candidate(customer_id="C1", *options, **said):
    plain = {
        "occasion": "night 2026-03-10",
        "as_of": 1,
        "model_version": "1",
        "consent": True,
        "time_zone": "Europe/Vienna",
        "scores": {"churn_3m": 0.2, "clv": 300.0},
    }
    return Candidate(customer_id, options=options or (option(),), **(plain | said))

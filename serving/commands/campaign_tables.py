"""What `keepworth campaigns` prints: figures by campaign or instant, and who is contacted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from serving.campaigns.campaign import Campaign
from serving.campaigns.decisions import TAKEN, Decision, Rulebook

_MOST_SHOWN = 10


def figures_of(decisions: Sequence[Decision], campaign: Campaign, book: Rulebook) -> dict[str, Any]:
    """Count what was decided of those whom a campaign is for, and add up its money."""
    name = campaign.name
    own = [each for each in decisions if each.option and each.option.campaign == name]
    contacts = [each for each in own if each.outcome == "contact"]
    options = [each.option for each in contacts if each.option]
    verdicts = Counter(
        verdict
        for each in decisions
        for option, verdict in zip(each.candidate.options, each.verdicts, strict=True)
        if option.campaign == name
    )
    return {
        "audience": verdicts.total(),
        "contacts": len(contacts),
        "control": sum(each.outcome == "control" for each in own),
        "global_control": sum(each.outcome == "global_control" for each in own),
        "not_contacted": {why: n for why, n in verdicts.most_common() if why != TAKEN},
        "most_cost": sum(each.reserved for each in contacts) / book.minor_units,
        "expected_cost": sum(
            campaign.contact_cost + option.acceptance * campaign.offer_cost for option in options
        ),
        "expected_profit": sum(option.expected_profit for option in options),
    }


def contacts_of(decisions: Iterable[Decision]) -> list[dict[str, Any]]:
    """Return who is contacted and on which grounds, the highest expected profit first."""
    chosen = [each for each in decisions if each.outcome == "contact" and each.option]
    rows = [
        {
            "customer_id": each.candidate.customer_id,
            "campaign": option.campaign,
            "expected_profit": option.expected_profit,
            "profit_low": option.profit_low,
            "profit_high": option.profit_high,
            "chance_of_profit": option.chance_of_profit,
            "break_even_offer_cost": option.break_even_offer_cost,
            "churn_3m": each.candidate.scores["churn_3m"],
            "clv": each.candidate.scores["clv"],
        }
        for each in chosen
        if (option := each.option)
    ]
    return sorted(rows, key=lambda row: -row["expected_profit"])


def show_list(console: Console, content: dict[str, Any]) -> None:
    """Print how campaigns stand, and whose control group is not as promised."""
    if not content["campaigns"]:
        console.print("There are no campaigns yet: docs/campaigns.md says how to write one.")
        return
    names = ("contacts", "expected profit", "reserved today", "this month", "in control")
    table = Table("campaign", "waits for", "runs", *names, title=f"Money in {content['currency']}")
    table.title_justify = "left"
    for column in table.columns[3:]:
        column.justify = "right"
    for one in content["campaigns"]:
        table.add_row(*_standing_cells(one))
    console.print(table)
    of_all = content["global_control"] | {"campaign": "all campaigns together"}
    if of_all["assigned"] or of_all["control_share"]:
        console.print(f"Kept from all campaigns: {_in_control(of_all)}.")
    for one in [*content["campaigns"], of_all]:
        if one["sample_ratio_mismatch"]:
            console.print(_mismatch(one), style="bold")


def _standing_cells(one: dict[str, Any]) -> tuple[str, ...]:
    limits = [
        "" if one[name] is None else f" of {one[name]:,.2f}"
        for name in ("daily_budget", "monthly_budget")
    ]
    return (
        one["campaign"],
        ", ".join(one["on"]),
        "yes" if one["live"] else "no",
        f"{one['contacts']:,}",
        f"{one['expected_profit']:,.2f}",
        f"{one['reserved_today']:,.2f}{limits[0]}",
        f"{one['reserved_this_month']:,.2f}{limits[1]}",
        _in_control(one),
    )


def _in_control(one: dict[str, Any]) -> str:
    return f"{one['in_control']:,} of {one['assigned']:,} ({one['control_share']:.0%} wanted)"


def _mismatch(one: dict[str, Any]) -> str:
    return (
        f"{one['campaign']}: {one['in_control']:,} of {one['assigned']:,} assigned are in the "
        f"control group, where {one['control_promised']:,.0f} were to be expected; chance does not "
        "explain that. Do not trust its measured effect; look who assigns besides keepworth."
    )


def show_night(console: Console, campaigns: Sequence[Campaign], content: dict[str, Any]) -> None:
    """Print what was decided for a night."""
    currency = content["currency"]
    console.print(
        f"{content['night']}: decided on what was known by {content['as_of'][:10]}, by model "
        f"version {content['model_version']}.",
        style="bold",
    )
    if content["already_decided"]:
        console.print(f"{content['already_decided']:,} customers had their decision already.")
    if not content["campaigns"]:
        console.print('No campaign runs tonight: none has on = ["night"] and is between its dates.')
    table = _figures_table("campaign", currency)
    for one in content["campaigns"]:
        table.add_row(one["campaign"], *_cells(one))
    if content["campaigns"]:
        console.print(table)
        for campaign, one in zip(campaigns, content["campaigns"], strict=True):
            console.print(f"{campaign.name}: {_responses(campaign, one['save_rate'])}")
        _show_contacts(console, content["contacts"], currency)


def show_check(console: Console, campaign: Campaign, content: dict[str, Any]) -> None:
    """Print what a campaign would have decided at past instants."""
    currency = content["currency"]
    table = _figures_table("as known on", currency)
    for one in content["instants"]:
        table.add_row(one["as_of"][:10], *_cells(one))
    console.print(
        f"Had {campaign.name} run, judged alone by model version {content['model_version']}:",
        style="bold",
    )
    console.print(table)
    console.print(_responses(campaign, content["save_rate"]))
    _show_contacts(console, content["contacts"], currency)


def _responses(campaign: Campaign, save_rate: dict[str, Any]) -> str:
    """Say how customers are taken to answer, and what of it is only assumed."""
    accept = f"{campaign.stayer_acceptance:.0%} of stayers accept"
    if save_rate["source"] == "learned":
        return f"learned from outcomes: a save rate for every customer. Assumed: {accept}."
    rest = f"{accept}, {campaign.disturbed_share:.0%} of stayers driven away."
    saved = f"{save_rate['value']:.0%} of leavers saved"
    if save_rate["source"] == "assumed":
        return f"assumed, not measured: {saved}, {rest}"
    return f"measured: {saved}. Assumed: {rest}"


def _figures_table(first: str, currency: str) -> Table:
    names = ("audience", "contacts", "control", "costs at most", "expected cost", "expected profit")
    table = Table(first, *names, "not contacted, as", title=f"Money in {currency}")
    table.title_justify = "left"
    for column in table.columns[1:-1]:
        column.justify = "right"
    return table


def _cells(figures: dict[str, Any]) -> tuple[str, ...]:
    said = (f"{reason}: {count:,}" for reason, count in figures["not_contacted"].items())
    return (
        f"{figures['audience']:,}",
        f"{figures['contacts']:,}",
        f"{figures['control'] + figures['global_control']:,}",
        f"{figures['most_cost']:,.2f}",
        f"{figures['expected_cost']:,.2f}",
        f"{figures['expected_profit']:,.2f}",
        "\n".join(said),
    )


def _show_contacts(console: Console, contacts: Sequence[dict[str, Any]], currency: str) -> None:
    if not contacts:
        return
    names = (
        "3-month churn",
        "CLV",
        "expected profit",
        "80% from",
        "to",
        "P(profit)",
        "break-even offer",
    )
    table = Table(
        "customer", "campaign", *names, title=f"Contacted, most profit first ({currency})"
    )
    table.title_justify = "left"
    for column in table.columns[2:]:
        column.justify = "right"
    for row in contacts[:_MOST_SHOWN]:
        money = ("clv", "expected_profit", "profit_low", "profit_high")
        cells = [f"{row[name]:,.2f}" for name in money]
        chance, even = f"{row['chance_of_profit']:.0%}", f"{row['break_even_offer_cost']:,.2f}"
        table.add_row(
            row["customer_id"], row["campaign"], f"{row['churn_3m']:.1%}", *cells, chance, even
        )
    console.print(table)
    if len(contacts) > _MOST_SHOWN:
        console.print(f"{len(contacts) - _MOST_SHOWN:,} more; --json names all of them.")

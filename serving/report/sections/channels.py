"""What customers are worth by the channel that won them, beside what winning them cost."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from serving.report.charts.bars import Bar, BarGroup, draw_bars
from serving.report.charts.svg import at_both_widths
from serving.report.portfolio import Portfolio
from serving.report.sections.section import LegendEntry, Section, plain_table
from serving.report.wording import TIMES, UNKNOWN, Money, number, percent, strong

_NOT_RECORDED = "not recorded"
_OTHERS = "all other channels"
_MOST_CHANNELS = 10
_COLUMNS = ("acquisition_channel", "acquisition_cost")


@dataclass(frozen=True)
class Channel:
    """Hold the figures of one channel; NaN where not known. Money in major units.

    `lost_share` is of all customers it won; `mean_cost` of its active customers whose cost is
    known; `paid_back` the share of these whose margin, past and expected, covers it.
    """

    name: str
    n_active: int
    lost_share: float
    mean_clv: float
    mean_cost: float
    median_payback_month: float
    paid_back: float


def channels_section(portfolio: Portfolio, customers: pd.DataFrame) -> Section:
    """Return the section; without channels and costs it is a sentence that says so."""
    channels = channels_of(portfolio, customers)
    has_costs = any(np.isfinite(channel.mean_cost) for channel in channels)
    has_channels = any(channel.name != _NOT_RECORDED for channel in channels)
    heading = "Value and acquisition cost by channel"
    if not has_costs and not has_channels:
        return Section("channels", heading, _nothing("channel or cost"))
    return Section(
        key="channels",
        heading=heading,
        finding=_finding(channels, portfolio.money),
        charts=[_chart(channels, portfolio.money)],
        legend=_legend(has_costs=has_costs),
        tables=[
            plain_table(
                "Channels, the largest first",
                (
                    "Channel",
                    "Active",
                    "Lost so far",
                    "Mean CLV",
                    "Mean cost",
                    "CLV to cost",
                    "Paid back",
                    "Median payback month",
                ),
                [_row(channel, portfolio.money) for channel in channels],
            )
        ],
        notes=list(_notes(has_costs=has_costs)),
    )


def channels_of(portfolio: Portfolio, customers: pd.DataFrame) -> list[Channel]:
    """Return channels by their number of active customers; small ones beyond ten are joined."""
    everyone = pd.concat([_joined(portfolio.active, customers), _joined(portfolio.lost, customers)])
    active = everyone["status"] == "active"
    largest = everyone.loc[active, "channel"].value_counts()
    kept = largest.index[:_MOST_CHANNELS] if len(largest) > _MOST_CHANNELS + 1 else largest.index
    names = everyone["channel"].where(everyone["channel"].isin(kept), _OTHERS)
    groups = everyone[names.isin(names[active])].groupby(names, sort=False)
    channels = [_channel(str(name), group) for name, group in groups]
    return sorted(channels, key=lambda c: (c.name == _OTHERS, -c.n_active, c.name))


def _joined(scores: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    known = customers.reindex(columns=["customer_id", *_COLUMNS])
    known = known.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    wanted = known.reindex(scores["customer_id"])
    channel = wanted["acquisition_channel"].astype(object).fillna(_NOT_RECORDED)
    return pd.DataFrame(
        {
            "status": scores["status"].to_numpy(),
            "channel": channel.astype(str).to_numpy(),
            "cost": _floats(wanted["acquisition_cost"]),
            "clv": _floats(scores["clv"]),
            "payback": _floats(scores["payback_month"]),
        }
    )


def _floats(column: "pd.Series[float]") -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)


def _channel(name: str, members: pd.DataFrame) -> Channel:
    active = members[members["status"] == "active"]
    priced = active[active["cost"].notna()]
    return Channel(
        name=name,
        n_active=len(active),
        lost_share=1 - len(active) / len(members),
        mean_clv=float(active["clv"].mean()),
        mean_cost=float(priced["cost"].mean()) if len(priced) else np.nan,
        median_payback_month=_median(priced["payback"].dropna()),
        paid_back=float(priced["payback"].notna().mean()) if len(priced) else np.nan,
    )


def _median(months: "pd.Series[float]") -> float:
    return float(months.median()) if len(months) else np.nan


def _finding(channels: list[Channel], money: Money) -> Markup:
    if len(channels) == 1:
        return Markup("All active customers came by {}: {}.").format(
            channels[0].name, _worth(channels[0], money)
        )
    named = [c for c in channels if c.name not in (_NOT_RECORDED, _OTHERS)] or channels
    best = max(named, key=lambda channel: channel.mean_clv)
    worst = min(named, key=lambda channel: channel.mean_clv)
    if best is worst:
        return Markup("Customers by {}: {}.").format(strong(best.name), _worth(best, money))
    return Markup("Mean CLV is highest for {} ({}) and lowest for {} ({}).").format(
        strong(best.name), _worth(best, money), strong(worst.name), _worth(worst, money)
    )


def _worth(channel: Channel, money: Money) -> str:
    worth = money.each(channel.mean_clv)
    if not np.isfinite(channel.mean_cost):
        return f"{worth} each"
    return f"{worth} each, won for {money.each(channel.mean_cost)}"


def _chart(channels: list[Channel], money: Money) -> Markup:
    groups = [BarGroup(channel.name, list(_bars(channel, money))) for channel in channels]
    said = "; ".join(f"{channel.name}: {_worth(channel, money)}" for channel in channels)
    return at_both_widths(
        lambda width, suffix: draw_bars(
            f"channels-{suffix}", "Mean CLV and acquisition cost by channel", said, groups, width
        )
    )


def _bars(channel: Channel, money: Money) -> Iterator[Bar]:
    tone = "gain" if channel.mean_clv >= 0 else "loss"
    yield Bar(channel.mean_clv, money.each(channel.mean_clv), tone)
    if np.isfinite(channel.mean_cost):
        yield Bar(channel.mean_cost, money.each(channel.mean_cost), "cost")


def _legend(*, has_costs: bool) -> list[LegendEntry]:
    worth = LegendEntry("mean CLV from here on", "gain")
    return [worth, LegendEntry("mean acquisition cost", "cost")] if has_costs else [worth]


def _row(channel: Channel, money: Money) -> list[str]:
    ratio = channel.mean_clv / channel.mean_cost if channel.mean_cost > 0 else np.nan
    return [
        channel.name,
        number(channel.n_active),
        percent(channel.lost_share),
        money.each(channel.mean_clv),
        money.each(channel.mean_cost),
        f"{number(ratio, 1)}{TIMES}" if np.isfinite(ratio) else UNKNOWN,
        percent(channel.paid_back),
        number(channel.median_payback_month),
    ]


def _notes(*, has_costs: bool) -> Iterator[str]:
    if not has_costs:
        yield _nothing("cost")
        return
    yield (
        "CLV looks forward only: what customers brought in the past is not in it, nor those who "
        "left. “Paid back” counts past and expected margin within the horizon against the "
        "acquisition cost; the month counts from acquisition, of those who pay back."
    )


def _nothing(what: str) -> str:
    return (
        f"No acquisition {what} is recorded, so value cannot be set against it; give "
        "acquisition_channel and acquisition_cost in the customers table."
    )

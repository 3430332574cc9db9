"""The page of a programme that nobody randomised: effects, and how alike those compared are."""

from collections.abc import Callable

import numpy as np
from markupsafe import Markup

from features.instants import datetime_of
from serving.report.charts.intervals import IntervalRow, draw_intervals
from serving.report.charts.svg import at_both_widths
from serving.report.page import rendered
from serving.report.sections.campaign_effects import LEGEND, each_of, points
from serving.report.sections.headline import Fact
from serving.report.sections.section import Section, plain_table
from serving.report.wording import Money, count_of, day, number, percent, strong, unbroken
from training.experiments.programme import ProgrammeMeasurement
from training.experiments.programme_warnings import programme_warnings
from valuation.doubly_robust import BALANCED_BELOW, MembersEffect

_MOST_ROWS = 15
_NAMES = {
    "retention": "still a customer",
    "margin": "margin in the window",
    "clv": "CLV since joining",
}
_COMPARED = (
    "customers who had not joined by the day a member did, drawn at random and weighted until they "
    "look like the members (odds of joining); those who joined later stay in"
)
_ESTIMATE = (
    "augmented inverse probability weighting for the effect on members: it is right if either "
    "joining or the outcome is modelled right; no model saw the customers it judges"
)
_ASSUMPTIONS = (
    ("Compared with", _COMPARED),
    ("Estimate", _ESTIMATE),
    (
        "Covariates",
        "signals as of 00:00 UTC of the day of joining, and what was expected then",
    ),
    ("Intervals", "95%, by influence function, customers compared several times counted once"),
)


def render_programme(found: ProgrammeMeasurement, title: str) -> str:
    """Return the page as one HTML document that asks nothing of the network."""
    money = Money(found.measure.business.currency)
    effect = found.effects["clv"]
    return rendered(
        "campaign.html.j2",
        title=title,
        campaign=found.assignments.campaign,
        as_of=day(datetime_of(found.measure.observed_until)),
        figure=each_of(money)(effect.effect),
        lead=_lead(found, money),
        facts=_facts(found),
        sections=[_effects(found, money), _balance(found)],
        warnings=[f"{said[0].upper()}{said[1:]}." for said in programme_warnings(found)],
        assumptions=_ASSUMPTIONS,
    )


def _lead(found: ProgrammeMeasurement, money: Money) -> Markup:
    effect, each = found.effects["clv"], each_of(money)
    return Markup(
        "is the estimated effect on the lifetime value of a member, {} to {} with 95%. Members "
        "and others as they are differ by {}."
    ).format(unbroken(each(effect.low)), unbroken(each(effect.high)), strong(each(effect.naive)))


def _facts(found: ProgrammeMeasurement) -> list[Fact]:
    overlap = found.overlap
    return [
        Fact("Members compared", number(found.n_compared), f"of {number(found.n_members)}"),
        Fact(
            "Compared with",
            number(overlap.n_comparisons),
            f"worth {number(overlap.effective)} after weighting",
        ),
        Fact("Without their like", percent(overlap.beyond), "of the members, left out"),
    ]


def _effects(found: ProgrammeMeasurement, money: Money) -> Section:
    each = each_of(money)
    of_money = [_row(name, found.effects[name], each) for name in ("margin", "clv")]
    retention = [_row("retention", found.effects["retention"], points)]
    return Section(
        key="effects",
        heading="Effects on members",
        finding=f"Over {count_of(found.measure.months, 'month')} from the day of joining.",
        charts=[_chart("retention", retention), _chart("money", of_money)],
        legend=LEGEND,
    )


def _chart(name: str, rows: list[IntervalRow]) -> Markup:
    title = f"Effect of the programme on {name}"
    return at_both_widths(lambda width, end: draw_intervals(f"{name}-{end}", title, rows, width))


def _row(name: str, effect: MembersEffect, say: Callable[[float], str]) -> IntervalRow:
    said = f"{say(effect.effect)} ({say(effect.low)} to {say(effect.high)})"
    return IntervalRow(_NAMES[name], effect.effect, effect.low, effect.high, said)


def _balance(found: ProgrammeMeasurement) -> Section:
    before, after = found.balance
    largest = np.argsort(-np.abs(before))[:_MOST_ROWS]
    rows = [
        (found.names[row].replace("_", " "), number(before[row], 2), number(after[row], 2))
        for row in largest
    ]
    balanced = int((np.abs(after) < BALANCED_BELOW).sum())
    return Section(
        key="balance",
        heading="How alike those compared are",
        finding=f"{number(balanced)} of {number(len(after))} covariates differ by less than "
        f"{BALANCED_BELOW} standard deviations after weighting; before it "
        f"{number(int((np.abs(before) < BALANCED_BELOW).sum()))} did.",
        tables=[
            plain_table(
                "Standardised differences, members less others",
                ("Covariate", "before", "after weighting"),
                rows,
            )
        ],
    )

"""The page of one campaign: what it brought, against whom, and what that rests on."""

import math
from collections.abc import Iterator

from markupsafe import Markup

from features.instants import datetime_of
from serving.report.page import rendered
from serving.report.sections.campaign_effects import effect_sections, groups_section, share
from serving.report.sections.headline import Fact
from serving.report.wording import Money, count_of, day, number, strong, unbroken
from training.experiments.effects import ArmEffects, Measurement
from training.experiments.warnings import warnings_of

_WHO = (
    "everybody by the arm they were first assigned to, contacted or not (intention to treat): "
    "chance alone decided it, so nothing else explains a difference"
)
_WHEN = (
    "for each customer by their own clock; windows that are not over are left out, of all arms "
    "alike"
)
_MARGIN = (
    "revenue times gross margin less cost to serve and costs caused, as it came; what the campaign "
    "spent is in its cost and nowhere else"
)
_INTERVALS = (
    "Welch's of a difference of means, Newcombe's of shares. They hold for one look: who looks "
    "every night and stops at the first clear one is misled more often than 5%"
)
_CUPED = (
    "takes from every outcome what was expected of that customer before the assignment: the same "
    "effect, measured more sharply. The account uses it, whatever it says"
)
_FIGURES = {
    "mismatch": "not to be trusted",
    "too_early": "too early to say",
    "too_few": "too few to say",
}


def render_campaign(found: Measurement, title: str) -> str:
    """Return the page as one HTML document that asks nothing of the network."""
    money = Money(found.measure.business.currency)
    sections = [part for effects in found.effects for part in effect_sections(effects, money)]
    return rendered(
        "campaign.html.j2",
        title=title,
        campaign=found.assignments.campaign,
        as_of=day(datetime_of(found.measure.observed_until)),
        figure=_FIGURES.get(found.status) or money.change(_net(found)),
        lead=Markup(" ").join(_account(effects, money) for effects in found.effects),
        facts=[fact for effects in found.effects for fact in _facts(effects)],
        sections=[*sections, groups_section(found)],
        warnings=[f"{said[0].upper()}{said[1:]}." for said in warnings_of(found)],
        assumptions=list(_assumptions(found)),
    )


def _net(found: Measurement) -> float:
    return sum(effects.account.net[0] for effects in found.effects)


def _account(effects: ArmEffects, money: Money) -> Markup:
    net, low, high = (unbroken(money.change(end)) for end in effects.account.net)
    return Markup(
        "is what the arm {} brought after its cost: {} in {} against the control group, {} spent. "
        "The 95% interval of {} runs from {} to {}."
    ).format(
        strong(effects.arm),
        unbroken(money.change(effects.account.gain)),
        "margin in the window" if effects.value is None else "lifetime value",
        money.total(effects.account.cost),
        net,
        low,
        high,
    )


def _facts(effects: ArmEffects) -> Iterator[Fact]:
    stayed, saved = effects.stayed.plain, effects.saved
    returned = effects.account.return_on_investment
    treated, control = (f"{number(100 * each, 1)}%" for each in (stayed.treated, stayed.control))
    yield Fact("Retained", treated, f"{control} of the control group")
    if math.isfinite(saved.low):
        ends = f"{share(saved.low)} to {share(saved.high)} of them"
        yield Fact("Would-be leavers saved", share(saved.effect), ends)
    if returned is not None:
        found, low, high = (share(end) for end in returned)
        yield Fact("Return on investment", found, f"{low} to {high}")
    against = f"against {number(stayed.n_control)} of the control group"
    yield Fact("Treated customers", number(stayed.n_treated), against)


def _assumptions(found: Measurement) -> Iterator[tuple[str, str]]:
    months = count_of(found.measure.months, "month")
    yield "Who counts", _WHO
    yield "When", f"{months} from the day of assignment, {_WHEN}"
    yield "Margin", _MARGIN
    if found.measure.bundle is not None:
        yield "Lifetime value", _of_value(found, found.measure.bundle.version)
    yield "Intervals", _INTERVALS
    yield "CUPED", _CUPED


def _of_value(found: Measurement, version: str) -> str:
    horizon = count_of(found.measure.business.horizon_months, "month")
    return (
        f"discounted margin over {horizon}: as it came in the window, and beyond it as model "
        f"version {version} expects of customers at the window\N{RIGHT SINGLE QUOTATION MARK}s "
        "end. That version was trained before the campaign began, stays the same for all of its "
        "reports, and sees no contact, offer or assignment. It holds as far as the campaign works "
        "on through what customers do"
    )

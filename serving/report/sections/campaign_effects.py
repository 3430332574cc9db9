"""What an arm of a campaign did to retention and to money, drawn and in a table."""

import math
from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup

from features.instants import datetime_of
from serving.report.charts.intervals import IntervalRow, draw_intervals
from serving.report.charts.svg import at_both_widths
from serving.report.sections.section import LegendEntry, Section, Table, plain_table
from serving.report.wording import UNKNOWN, Money, day, number, percent, strong
from training.experiments.effects import ArmEffects, Measurement, OutcomeEffect
from valuation.effects import Effect
from valuation.group_levers import LeverEffect

Say = Callable[[float], str]
LEGEND = (
    LegendEntry("more than the control group", "gain"),
    LegendEntry("less", "loss"),
    LegendEntry("not clear: the 95% interval holds zero", "unclear"),
)
_COLUMNS = ("A customer", "treated", "control", "effect", "95% interval")


def effect_sections(effects: ArmEffects, money: Money) -> Iterator[Section]:
    """Yield what the arm did to retention, then to money."""
    yield _retention(effects)
    yield _money(effects, money)


def groups_section(found: Measurement) -> Section:
    """Return who was assigned, and who could be followed to the end of the window."""
    rows = [
        (arm, number(n_assigned), number(found.n_over[arm]))
        for arm, n_assigned in sorted(found.n_assigned.items())
    ]
    began, ended = (datetime_of(int(end(found.assignments.at))) for end in (min, max))
    return Section(
        key="groups",
        heading="Groups",
        finding=Markup("Assigned from {} to {}. {}").format(day(began), day(ended), _ratio(found)),
        tables=[plain_table("Customers by arm", ("Arm", "assigned", "followed to the end"), rows)],
    )


def share(value: float) -> str:
    """Say a share with its sign."""
    said = percent(value)
    return f"+{said}" if value > 0 and math.isfinite(value) else said


def _ratio(found: Measurement) -> str:
    if found.ratio is None:
        return "No control share was given to hold the counts against."
    promised = number(found.ratio.promised[1])
    verdict = "which chance does not explain" if found.ratio.is_mismatch else "as chance has it"
    return (
        f"{number(found.ratio.counted[1])} are control where {promised} were promised, {verdict} "
        f"(p = {found.ratio.p_value:.2g})."
    )


def _retention(effects: ArmEffects) -> Section:
    plain = effects.stayed.plain
    treated, control = (f"{number(100 * each, 1)}%" for each in (plain.treated, plain.control))
    said = Markup("{} of {} are still customers at the end of the window, {} of the control group.")
    rows = list(_pair("still a customer", effects.stayed, points))
    return Section(
        key=f"retention-{effects.arm}",
        heading=f"Retention, {effects.arm}",
        finding=said.format(strong(treated), effects.arm, strong(control))
        + _verdict(effects.stayed.best),
        charts=[_chart(f"retention-{effects.arm}", "Effect on retention", rows)],
        legend=LEGEND,
    )


def _money(effects: ArmEffects, money: Money) -> Section:
    counted = effects.value or effects.margin
    what = "margin in the window" if effects.value is None else "lifetime value since assignment"
    sentence = Markup("A treated customer\N{RIGHT SINGLE QUOTATION MARK}s {} differs by {}.")
    each = each_of(money)
    return Section(
        key=f"money-{effects.arm}",
        heading=f"Money, {effects.arm}",
        finding=sentence.format(what, strong(each(counted.best.effect))) + _verdict(counted.best),
        charts=[_chart(f"money-{effects.arm}", "Effect in money", list(_of_money(effects, each)))],
        legend=LEGEND,
        tables=[_table(effects, money)],
    )


def _verdict(effect: Effect) -> Markup:
    if effect.is_clear:
        return Markup(" Chance alone does not make such a difference.")
    return Markup(" Chance alone may have made that difference.")


def _chart(key: str, title: str, rows: Sequence[IntervalRow]) -> Markup:
    return at_both_widths(lambda width, end: draw_intervals(f"{key}-{end}", title, rows, width))


def _of_money(effects: ArmEffects, say: Say) -> Iterator[IntervalRow]:
    yield from _pair("margin in the window", effects.margin, say)
    if effects.value is not None:
        yield from _pair("CLV since assignment", effects.value, say)
    for lever, found in _levers(effects):
        yield _row(f"CLV {lever}", found, say, is_minor=True)


def _levers(effects: ArmEffects) -> Iterator[tuple[str, LeverEffect]]:
    names = ("by staying longer", "by value a month")
    yield from zip(names, effects.levers or (), strict=False)


def _pair(what: str, outcome: OutcomeEffect, say: Say) -> Iterator[IntervalRow]:
    if outcome.adjusted is not None:
        yield _row(f"{what}, with CUPED", outcome.adjusted, say)
    yield _row(f"{what}, plain", outcome.plain, say, is_minor=outcome.adjusted is not None)


def _row(
    name: str, found: Effect | LeverEffect, say: Say, *, is_minor: bool = False
) -> IntervalRow:
    ends = f"{say(found.low)} to {say(found.high)}"
    said = f"{say(found.effect)} ({ends})"
    return IntervalRow(name, found.effect, found.low, found.high, said, is_minor)


def _table(effects: ArmEffects, money: Money) -> Table:
    each = each_of(money)
    outcomes = {"Margin in the window": effects.margin}
    if effects.value is not None:
        outcomes["CLV"] = effects.value
    rows = [row for name, found in outcomes.items() for row in _rows(name, found, money)]
    rows += [
        (f"CLV {name}", UNKNOWN, UNKNOWN, *_ends(found, each)) for name, found in _levers(effects)
    ]
    return plain_table("In money, a customer", _COLUMNS, rows)


def _rows(name: str, found: OutcomeEffect, money: Money) -> Iterator[tuple[str, ...]]:
    each, plain = each_of(money), found.plain
    yield name, money.each(plain.treated), money.each(plain.control), *_ends(plain, each)
    if found.adjusted is not None:
        yield f"{name}, with CUPED", UNKNOWN, UNKNOWN, *_ends(found.adjusted, each)


def _ends(found: Effect | LeverEffect, say: Say) -> tuple[str, str]:
    return say(found.effect), f"{say(found.low)} to {say(found.high)}"


def each_of(money: Money) -> Say:
    """Return how an amount a customer is said, with its sign."""

    def say(amount: float) -> str:
        said = money.each(amount)
        return f"+{said}" if amount > 0 and said not in (UNKNOWN, money.each(0.0)) else said

    return say


def points(value: float) -> str:
    """Say a difference of shares in points, with its sign."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{number(100 * value, 1) if value <= 0 else '+' + number(100 * value, 1)} points"

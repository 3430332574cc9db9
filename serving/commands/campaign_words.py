"""A campaign's measurement on a terminal."""

import math
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from features.instants import datetime_of
from training.experiments.assignments import CONTROL
from training.experiments.effects import ArmEffects, Measurement, OutcomeEffect
from training.experiments.warnings import warnings_of
from valuation.effects import Effect
from valuation.group_levers import LeverEffect

Say = Callable[[float], str]
_UNKNOWN = "-"
_UNSAID = {
    "mismatch": "not to be trusted, the groups have not the sizes that were promised",
    "too_early": "too early to say",
    "too_few": "too few to say",
}
_LEVERS = ("  of CLV, by staying longer", "  of CLV, by value a month")


def show_measurement(console: Console, found: Measurement) -> None:
    """Print what was measured, or why nothing could be."""
    months, until = found.measure.months, datetime_of(found.measure.observed_until)
    console.print(
        f"Campaign {found.assignments.campaign}, {months} months after assignment, as of "
        f"{until:%Y-%m-%d}: {_status(found)}.",
        style="bold",
    )
    for arm, n_assigned in sorted(found.n_assigned.items()):
        console.print(
            f"  {arm}: {n_assigned:,} assigned, {found.n_over[arm]:,} followed to the end"
        )
    if found.ratio is not None and not found.ratio.is_mismatch:
        console.print(f"  group sizes are as promised (p = {found.ratio.p_value:.2f})")
    for effects in found.effects:
        console.print(_table(effects, found.measure.business.currency))
        console.print(account_in_words(effects, found.measure.business.currency))
    for warning in warnings_of(found):
        console.print(f"! {warning}")


def account_in_words(effects: ArmEffects, currency: str) -> str:
    """Return cost, gain and return in a sentence."""
    account = effects.account
    counted = "margin in the window" if effects.value is None else "CLV"
    net, low, high = account.net
    said = (
        f"{effects.arm} cost {account.cost:,.0f} {currency} and gained {account.gain:,.0f} in "
        f"{counted}: net {net:,.0f} ({low:,.0f} to {high:,.0f})"
    )
    if account.return_on_investment is None:
        return f"{said}; no cost is on record, so there is no return on it."
    found, least, most = account.return_on_investment
    return f"{said}, return on investment {found:+,.0%} ({least:+,.0%} to {most:+,.0%})."


def _status(found: Measurement) -> str:
    if found.status in _UNSAID:
        return _UNSAID[found.status]
    if not all(effects.has_costs for effects in found.effects):
        return "measured, but what it cost is not on record"
    best = [effects.account.net for effects in found.effects]
    if all(low > 0 for _, low, _ in best):
        return "it paid"
    if all(high < 0 for _, _, high in best):
        return "it lost money"
    return "whether it paid is not clear yet"


def _table(effects: ArmEffects, currency: str) -> Table:
    table = Table("a customer", effects.arm, CONTROL, "effect", "95% interval", "with CUPED")
    _add(table, "retained, effect in points", effects.stayed, _share, _points)
    _add(table, f"margin of the window, {currency}", effects.margin, _amount, _signed(_amount))
    if effects.value is not None:
        _add(table, f"CLV since assignment, {currency}", effects.value, _amount, _signed(_amount))
    saved, share = effects.saved, _signed(_share)
    table.add_row("would-be leavers saved", "", "", share(saved.effect), _ends(saved, share), "")
    for name, lever in zip(_LEVERS, effects.levers or (), strict=False):
        amount = _signed(_amount)
        table.add_row(name, "", "", "", "", f"{amount(lever.effect)} ({_ends(lever, amount)})")
    return table


def _add(table: Table, name: str, outcome: OutcomeEffect, say: Say, signed: Say) -> None:
    plain, adjusted = outcome.plain, outcome.adjusted
    sharper = _UNKNOWN
    if adjusted is not None:
        sharper = f"{signed(adjusted.effect)} ({_ends(adjusted, signed)})"
    groups = say(plain.treated), say(plain.control)
    table.add_row(name, *groups, signed(plain.effect), _ends(plain, signed), sharper)


def _ends(found: Effect | LeverEffect, say: Say) -> str:
    return f"{say(found.low)} to {say(found.high)}"


def _share(value: float) -> str:
    return f"{value:.1%}" if math.isfinite(value) else _UNKNOWN


def _amount(value: float) -> str:
    return f"{value:,.2f}" if math.isfinite(value) else _UNKNOWN


def _signed(say: Say) -> Say:
    return lambda value: f"+{say(value)}" if value > 0 else say(value)


def _points(value: float) -> str:
    return f"{100 * value:+.1f}" if math.isfinite(value) else _UNKNOWN

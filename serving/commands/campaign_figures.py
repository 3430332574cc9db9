"""A campaign's measurement as `--json` gives it: null where nothing is known."""

import math
from typing import Any

from features.instants import datetime_of
from training.experiments.effects import ArmEffects, Measurement, OutcomeEffect
from training.experiments.warnings import warnings_of
from valuation.effects import Effect
from valuation.sample_ratio import SampleRatio


def figures_of(found: Measurement) -> dict[str, Any]:
    """Return the measurement as plain values."""
    measure = found.measure
    return {
        "campaign": found.assignments.campaign,
        "design": "randomised",
        "status": found.status,
        "as_of": datetime_of(measure.observed_until).isoformat(),
        "months": measure.months,
        "currency": measure.business.currency,
        "model_version": None if measure.bundle is None else measure.bundle.version,
        "assigned": dict(found.n_assigned),
        "finished": dict(found.n_over),
        "first_window_ends": datetime_of(found.first_over_at).isoformat(),
        "last_window_ends": datetime_of(found.all_over_at).isoformat(),
        "moved_to_another_arm": found.assignments.n_moved,
        "sample_ratio": None if found.ratio is None else _ratio(found.ratio),
        "effects": [_of_arm(each) for each in found.effects],
        "warnings": list(warnings_of(found)),
    }


def _of_arm(found: ArmEffects) -> dict[str, Any]:
    account = found.account
    net, returned = account.net, account.return_on_investment
    return {
        "arm": found.arm,
        "retention": _outcome(found.stayed),
        "margin": _outcome(found.margin),
        "clv": None if found.value is None else _outcome(found.value),
        "saved_share": _effect(found.saved),
        "time_lever": None if found.levers is None else _ends(found.levers[0]),
        "value_lever": None if found.levers is None else _ends(found.levers[1]),
        "contacted": found.contacted,
        "control_contacted": found.control_contacted,
        "cost": account.cost,
        "cost_outside_window": found.cost_outside,
        "gain": _ends((account.gain, account.gain_low, account.gain_high)),
        "net": _ends(net),
        "return_on_investment": None if returned is None else _ends(returned),
        "counted_in": "margin" if found.value is None else "clv",
    }


def _outcome(found: OutcomeEffect) -> dict[str, Any]:
    adjusted = None if found.adjusted is None else _effect(found.adjusted)
    return {"plain": _effect(found.plain), "adjusted": adjusted}


def _effect(effect: Effect) -> dict[str, Any]:
    return {name: _known(value) for name, value in vars(effect).items()}


def _ends(found: tuple[float, float, float]) -> dict[str, float | None]:
    return dict(zip(("effect", "low", "high"), map(_known, found), strict=True))


def _ratio(ratio: SampleRatio) -> dict[str, Any]:
    return vars(ratio) | {"is_mismatch": ratio.is_mismatch}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""`keepworth train`: a new model version that is tracked, registered and serves."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from features.catalogue import catalogue
from features.ingest.lock import writing
from features.instants import datetime_of, instant_of
from features.signal import Signal
from features.signals.tenure import SEASON
from serving.commands.answer import Answer
from serving.commands.instants import as_of_or_default
from serving.commands.progress import progress_bar
from serving.report.wording import count_of
from serving.retraining.promotions import facts_of, mirror_in_registry, this_person
from serving.retraining.registering import register_version, save_whole
from serving.store.promoting import Act
from serving.store.serving_version import add_version
from serving.workspace import Workspace, open_workspace
from training.bundle import Bundle
from training.check import Check
from training.fitting import fit_bundle
from training.hazard import FEWEST_EXITS
from training.known import TWO_CYCLES_MONTHS
from training.recipe import known_for
from training.shop_residuals import FEWEST_ROWS
from training.subscription import SubscriptionModel

_METRICS = {"log_loss": "log-loss", "brier": "Brier", "predicted_actual": "predicted/actual"}


def train_version(path: Path | None, as_of: str | None) -> Answer:
    """Fit on what was known at `as_of`, register the version and let it serve."""
    workspace = open_workspace(path)
    cutoff = instant_of(as_of_or_default(workspace, as_of))
    configuration = workspace.configuration
    with writing(workspace.state), progress_bar() as tell:
        tell("fitting", 0.1)
        known = known_for(workspace.log(), configuration.business, configuration.features, cutoff)
        bundle, checks = fit_bundle(known)
        tell("registering", 0.8)
        version, warnings = _registered(workspace, bundle, checks)
    content = {
        "model_version": version,
        "trained_until": datetime_of(bundle.cutoff).isoformat(),
        "n_customers": bundle.n_customers,
        "n_signals": len(bundle.model.signals),
        "signals_left_out": [signal.name for signal in _left_out(bundle)],
        "learned_from_signals": _learned_from_signals(bundle),
        "longest_month": bundle.longest_month,
        "data_fingerprint": bundle.data_fingerprint,
        "checks": {check.name: check.metrics() for check in checks},
        "warnings": warnings,
    }

    def show(console: Console) -> None:
        console.print(
            f"Model version {version} serves: trained on what was known before "
            f"{datetime_of(bundle.cutoff):%Y-%m-%d}, with outcomes up to "
            f"{count_of(bundle.longest_month, 'month')} ahead; "
            f"{count_of(bundle.n_customers, 'customer')} there then."
        )
        console.print(_signals_in_words(bundle))
        for check in checks:
            figures = check.metrics().items()
            said = ", ".join(f"{_METRICS[name]} {value:.4f}" for name, value in figures)
            console.print(f"On the months that end last, {check.name} by month: {said}")
        for warning in warnings:
            console.print(f"Warning: {warning}", soft_wrap=True)
        console.print("Next: `keepworth score`; `keepworth backtest` judges it on the past.")

    return Answer(content, show)


def _left_out(bundle: Bundle) -> list[Signal]:
    """Return the signals of the catalogue that the model was not offered."""
    offered = {signal.name for signal in bundle.model.signals}
    whole = catalogue(bundle.business.contract, bundle.vocabulary)
    return [signal for signal in whole if signal.name not in offered]


def _why_left_out(bundle: Bundle) -> Iterator[str]:
    left_out = _left_out(bundle)
    if season := [signal.name for signal in left_out if signal.group == SEASON]:
        yield (
            f"{', '.join(season)}, as a time of year must be seen twice ({TWO_CYCLES_MONTHS} "
            "months of outcomes)"
        )
    groups = dict.fromkeys(signal.group for signal in left_out if signal.group != SEASON)
    if groups:
        yield f"the groups {', '.join(groups)}, as features.left_out says"


def _learned_from_signals(bundle: Bundle) -> bool:
    if isinstance(bundle.model, SubscriptionModel):
        return bundle.model.hazard.booster is not None
    residuals = bundle.model.residuals
    return any((residuals.counts, residuals.silence, residuals.basket))


def _signals_in_words(bundle: Bundle) -> str:
    offered, left_out = len(bundle.model.signals), _left_out(bundle)
    if _learned_from_signals(bundle):
        if not left_out:
            return f"It learned from all {offered} signals of the catalogue."
        return (
            f"It learned from {offered} of the catalogue's {offered + len(left_out)} signals: "
            f"without {'; without '.join(_why_left_out(bundle))}."
        )
    if isinstance(bundle.model, SubscriptionModel):
        return (
            f"Too few exits to learn from signals (fewer than {FEWEST_EXITS}, or all in one "
            "month): churn is predicted from tenure and booked ends alone, and no other signal "
            "moves it."
        )
    return (
        f"Signals do not help here with buyers that training has not seen, or there is too little "
        f"history (fewer than {FEWEST_ROWS:,} months of customers): purchases are predicted from "
        "the number and dates of a customer's own, baskets from their own mean, and no other "
        "signal moves them."
    )


def _registered(workspace: Workspace, bundle: Bundle, checks: list[Check]) -> tuple[str, list[str]]:
    """Return the version, which serves, and a warning where MLflow's alias could not follow."""
    from training.tracking import Registration

    now, fresh = datetime.now(UTC), workspace.models / ".fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    save_whole(bundle, workspace.configuration.features, workspace.log(), fresh)
    registered = register_version(workspace, Registration(bundle, fresh, checks), now)
    act = Act("train", now, "trained by hand", this_person(), facts_of(bundle))
    add_version(workspace.store, registered, act)
    shutil.rmtree(fresh)
    return registered.version, mirror_in_registry(workspace, registered.version)

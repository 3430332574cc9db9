"""A bundle on disk: JSON and XGBoost's UBJ, no pickles, checked by digest before it is parsed.

`bundle.json` names every other file with its sha256; the digest of `bundle.json` is the digest
of the version.
"""

import hashlib
import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from features.catalogue import Vocabulary, catalogue
from features.mistakes import InputRefusedError, Mistake
from features.references import References
from features.signal import Signal
from training.aft import AcceleratedFailureTime, Noise
from training.anchor import TenureAnchor
from training.background import background_as_json, background_from_json
from training.basket_anchor import BasketAnchor
from training.booked_ends import BookedEnds
from training.bundle import Bundle
from training.business import Business
from training.calibration import LogitCalibration
from training.credibility import Credibility
from training.exit_kinds import exit_kinds_as_json, exit_kinds_from_json
from training.hazard import HazardModel
from training.intervals import Intervals
from training.linear_hazard import linear_as_json, linear_from_json
from training.pareto_nbd import ParetoNBD
from training.pauses import Pauses
from training.plan_path import PlanPath
from training.purchase_anchor import PurchaseAnchor
from training.purchase_anchors import PurchaseAnchors
from training.recent_events import RecentEvents
from training.referrals import ReferralModel
from training.shop import ShopModel
from training.shop_margin import ShopMargin
from training.shop_residuals import ShopResiduals
from training.subscription import SubscriptionModel
from training.support import Support
from valuation.segments import SegmentCuts

FORMAT = 15
_MANIFEST = "bundle.json"
Boosters = dict[str, xgb.Booster | None]


class AlteredModelError(InputRefusedError):
    """Say that a model's files are not the ones that were registered."""


def save_bundle(bundle: Bundle, folder: Path) -> str:
    """Write a bundle into a new folder and return its digest."""
    folder.mkdir(parents=True)
    parameters, boosters = _parts(bundle.model)
    files = {}
    for name, booster in boosters.items():
        if booster is not None:
            content = bytes(booster.save_raw("ubj"))
            (folder / f"{name}.ubj").write_bytes(content)
            files[f"{name}.ubj"] = _digest(content)
    manifest = {
        "format": FORMAT,
        "business": bundle.business.model_dump(mode="json"),
        "vocabulary": asdict(bundle.vocabulary),
        "references": asdict(bundle.references),
        "signals": [signal.name for signal in bundle.model.signals],
        "support": _support_as_json(bundle.model.support),
        "cuts": bundle.cuts.as_dict(),
        "intervals": None if bundle.intervals is None else asdict(bundle.intervals),
        "background": background_as_json(bundle.background),
        "referrals": _referrals_as_json(bundle.referrals),
        "cutoff": bundle.cutoff,
        "observed_from": bundle.observed_from,
        "data_fingerprint": bundle.data_fingerprint,
        "n_customers": bundle.n_customers,
        "model": parameters,
        "files": files,
    }
    content = json.dumps(manifest, indent=1, allow_nan=False).encode()
    (folder / _MANIFEST).write_bytes(content)
    return _digest(content)


def load_bundle(folder: Path, digest: str, version: str) -> Bundle:
    """Read a bundle whose digest is known.

    Raises
    ------
    AlteredModelError
        If a file is not the one that was written, or format or catalogue have changed since.
    """
    manifest = json.loads(_checked(folder / _MANIFEST, digest))
    if manifest.get("format") != FORMAT:
        expected = f"expected {FORMAT}; run `keepworth train` again"
        raise _altered(folder, f"a bundle of format {manifest.get('format')}", expected)
    contents = {name: _checked(folder / name, known) for name, known in manifest["files"].items()}
    business = Business.model_validate(manifest["business"])
    vocabulary = _vocabulary(manifest["vocabulary"])
    signals = _signals(business, vocabulary, manifest["signals"], folder)
    boosters = {name.removesuffix(".ubj"): _booster(raw) for name, raw in contents.items()}
    return Bundle(
        business=business,
        vocabulary=vocabulary,
        references=References(**manifest["references"]),
        model=replace(
            _model(business, signals, manifest["model"], boosters),
            support=Support.of_names(signals, **manifest["support"]),
        ),
        cuts=SegmentCuts.from_dict(manifest["cuts"]),
        intervals=_intervals(manifest["intervals"]),
        background=background_from_json(manifest["background"]),
        referrals=_referrals(manifest["referrals"]),
        cutoff=manifest["cutoff"],
        observed_from=manifest["observed_from"],
        data_fingerprint=manifest["data_fingerprint"],
        n_customers=manifest["n_customers"],
        version=version,
    )


def digest_of(folder: Path) -> str:
    """Return the digest of the version that a folder holds."""
    return _digest((folder / _MANIFEST).read_bytes())


def cutoff_of(folder: Path) -> int:
    """Return until when a bundle's training saw, in microseconds, whatever its format."""
    return int(json.loads((folder / _MANIFEST).read_bytes())["cutoff"])


def _parts(model: SubscriptionModel | ShopModel) -> tuple[dict[str, Any], Boosters]:
    if isinstance(model, SubscriptionModel):
        hazard = model.hazard
        return {
            "anchor": asdict(hazard.anchor),
            "calibration": asdict(hazard.calibration),
            "longest_month": hazard.longest_month,
            "booked_ends": asdict(hazard.booked_ends),
            "recent": _recent_as_json(hazard.recent),
            "signal_weight": hazard.signal_weight,
            "noise": None if hazard.aft is None else asdict(hazard.aft.noise),
            "linear": linear_as_json(hazard.linear),
            "plans": list(model.path.plans),
            "growth": model.path.growth.tolist(),
            "flows": _credibility_as_json(model.flows),
            "monthly_churn": model.monthly_churn,
            "pauses": asdict(model.pauses),
            "exit_kinds": exit_kinds_as_json(model.exit_kinds),
        }, {"hazard": hazard.booster, "aft": None if hazard.aft is None else hazard.aft.booster}
    residuals = model.residuals
    return {
        "counts": asdict(model.counts),
        "basket": asdict(model.basket),
        "longest_month": residuals.longest_month,
        "silence_calibration": asdict(residuals.silence_calibration),
        "margin_share": model.margin.margin_share,
        "idle_cost": model.margin.idle_cost,
        "costs": _credibility_as_json(model.margin.costs),
        "silent_share": list(model.silent_share),
        "level": list(model.level),
    }, {"counts": residuals.counts, "silence": residuals.silence, "basket": residuals.basket}


def _model(
    business: Business, signals: tuple[Signal, ...], parts: dict[str, Any], boosters: Boosters
) -> SubscriptionModel | ShopModel:
    if business.contract == "subscription":
        hazard = HazardModel(
            TenureAnchor(**parts["anchor"]),
            LogitCalibration(**parts["calibration"]),
            parts["longest_month"],
            BookedEnds(**parts["booked_ends"]),
            RecentEvents(tuple(parts["recent"]["columns"]), np.array(parts["recent"]["effects"])),
            boosters.get("hazard"),
            parts["signal_weight"],
            _aft(parts["noise"], boosters.get("aft")),
            linear_from_json(parts["linear"]),
        )
        path = PlanPath(tuple(parts["plans"]), np.array(parts["growth"]))
        flows = _credibility_from_json(parts["flows"])
        pauses = Pauses(**parts["pauses"])
        return SubscriptionModel(
            signals,
            hazard,
            path,
            flows,
            parts["monthly_churn"],
            pauses,
            exit_kinds=exit_kinds_from_json(parts["exit_kinds"]),
        )
    residuals = ShopResiduals(
        parts["longest_month"],
        boosters.get("counts"),
        boosters.get("silence"),
        boosters.get("basket"),
        LogitCalibration(**parts["silence_calibration"]),
    )
    costs = _credibility_from_json(parts["costs"])
    margin = ShopMargin(parts["margin_share"], parts["idle_cost"], costs)
    counts, basket = _purchase_anchors(parts["counts"]), BasketAnchor(**parts["basket"])
    silent = tuple(parts["silent_share"])
    return ShopModel(signals, counts, basket, residuals, margin, silent, tuple(parts["level"]))


def _purchase_anchors(parts: dict[str, Any]) -> PurchaseAnchors:
    pareto_nbd = None if parts["pareto_nbd"] is None else ParetoNBD(**parts["pareto_nbd"])
    return PurchaseAnchors(PurchaseAnchor(**parts["bg_nbd"]), pareto_nbd)


def _recent_as_json(recent: RecentEvents) -> dict[str, Any]:
    return {"columns": list(recent.columns), "effects": recent.effects.tolist()}


def _aft(noise: dict[str, Any] | None, trees: xgb.Booster | None) -> AcceleratedFailureTime | None:
    return None if noise is None or trees is None else AcceleratedFailureTime(trees, Noise(**noise))


def _credibility_as_json(credibility: Credibility) -> dict[str, float | None]:
    """Return it as numbers; null stands for endless, which JSON does not know."""
    is_endless = math.isinf(credibility.half_months)
    return {
        "mean": credibility.mean,
        "half_months": None if is_endless else credibility.half_months,
    }


def _credibility_from_json(parts: dict[str, float | None]) -> Credibility:
    mean, half_months = parts["mean"], parts["half_months"]
    return Credibility(float(mean or 0.0), math.inf if half_months is None else half_months)


def _support_as_json(support: Support) -> dict[str, Any]:
    names = (driver.name for driver in support.drivers)
    return {"ranges": dict(zip(names, support.ranges, strict=True)), "levels": support.levels}


def _referrals_as_json(referrals: ReferralModel | None) -> dict[str, Any] | None:
    if referrals is None:
        return None
    return asdict(referrals) | {"rate": _credibility_as_json(referrals.rate)}


def _referrals(parts: dict[str, Any] | None) -> ReferralModel | None:
    if parts is None:
        return None
    rate, margin = _credibility_from_json(parts["rate"]), tuple(parts["newcomer_margin"])
    return ReferralModel(**(parts | {"rate": rate, "newcomer_margin": margin}))


def _vocabulary(parts: dict[str, Any]) -> Vocabulary:
    levels = {
        name: None if known is None else tuple(known) for name, known in parts["levels"].items()
    }
    words = {name: tuple(parts[name]) for name in ("metrics", "severities", "extra_revenue")}
    return Vocabulary(levels=levels, has_allowances=parts["has_allowances"], **words)


def _intervals(parts: dict[str, Any] | None) -> Intervals | None:
    if parts is None:
        return None
    return Intervals(**{name: _tuple(value) for name, value in parts.items()})


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


def _booster(content: bytes) -> xgb.Booster:
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(bytearray(content))
    return booster


def _checked(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        expected = "expected the file that was registered: train again, or restore it"
        raise _altered(path, "missing", expected) from error
    found = _digest(content)
    if found != digest:
        expected = f"expected {digest[:12]}; the file was altered: train again, or restore it"
        raise _altered(path, f"of sha256 {found[:12]}", expected)
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _signals(
    business: Business, vocabulary: Vocabulary, trained_on: list[str], folder: Path
) -> tuple[Signal, ...]:
    """Return the signals that the model was trained on, in order."""
    known = {signal.name: signal for signal in catalogue(business.contract, vocabulary)}
    missing = [name for name in trained_on if name not in known]
    if missing:
        value = f"trained on signals that the catalogue lacks ({', '.join(missing[:5])})"
        raise _altered(folder, value, "run `keepworth train` again")
    return tuple(known[name] for name in trained_on)


def _altered(path: Path, value: str, expected: str) -> AlteredModelError:
    return AlteredModelError("the model cannot be used", [Mistake(str(path), value, expected)])

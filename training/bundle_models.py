"""The models of a bundle as numbers for JSON, and their boosters by name."""

from dataclasses import asdict
from typing import Any

import numpy as np
import xgboost as xgb

from features.signal import Signal
from training.aft import AcceleratedFailureTime, Noise
from training.anchor import TenureAnchor
from training.basket_anchor import BasketAnchor
from training.booked_ends import BookedEnds
from training.business import Business
from training.calibration import LogitCalibration
from training.credibility import credibility_as_json, credibility_from_json
from training.exit_kinds import exit_kinds_as_json, exit_kinds_from_json
from training.hazard import HazardModel
from training.linear_hazard import linear_as_json, linear_from_json
from training.pareto_nbd import ParetoNBD
from training.pauses import Pauses
from training.plan_path import PlanPath
from training.purchase_anchor import PurchaseAnchor
from training.purchase_anchors import PurchaseAnchors
from training.recent_events import RecentEvents
from training.shop import ShopModel
from training.shop_margin import ShopMargin
from training.shop_residuals import ShopResiduals
from training.subscription import SubscriptionModel

Boosters = dict[str, xgb.Booster | None]
Parts = dict[str, Any]


def model_as_parts(model: SubscriptionModel | ShopModel) -> tuple[Parts, Boosters]:
    """Return a model's numbers, and its boosters by the name of their file."""
    if isinstance(model, SubscriptionModel):
        return _subscription_as_parts(model)
    return _shop_as_parts(model)


def model_from_parts(
    business: Business, signals: tuple[Signal, ...], parts: Parts, boosters: Boosters
) -> SubscriptionModel | ShopModel:
    """Return the model of which `model_as_parts` gave numbers and boosters."""
    if business.contract == "subscription":
        return _subscription_from_parts(signals, parts, boosters)
    return _shop_from_parts(signals, parts, boosters)


def _subscription_as_parts(model: SubscriptionModel) -> tuple[Parts, Boosters]:
    hazard, aft = model.hazard, model.hazard.aft
    parts = {
        "anchor": asdict(hazard.anchor),
        "calibration": asdict(hazard.calibration),
        "longest_month": hazard.longest_month,
        "booked_ends": asdict(hazard.booked_ends),
        "recent": _recent_as_json(hazard.recent),
        "signal_weight": hazard.signal_weight,
        "noise": None if aft is None else asdict(aft.noise),
        "linear": linear_as_json(hazard.linear),
        "plans": list(model.path.plans),
        "growth": model.path.growth.tolist(),
        "flows": credibility_as_json(model.flows),
        "monthly_churn": model.monthly_churn,
        "pauses": asdict(model.pauses),
        "exit_kinds": exit_kinds_as_json(model.exit_kinds),
    }
    return parts, {"hazard": hazard.booster, "aft": None if aft is None else aft.booster}


def _subscription_from_parts(
    signals: tuple[Signal, ...], parts: Parts, boosters: Boosters
) -> SubscriptionModel:
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
    return SubscriptionModel(
        signals,
        hazard,
        PlanPath(tuple(parts["plans"]), np.array(parts["growth"])),
        credibility_from_json(parts["flows"]),
        parts["monthly_churn"],
        Pauses(**parts["pauses"]),
        exit_kinds=exit_kinds_from_json(parts["exit_kinds"]),
    )


def _shop_as_parts(model: ShopModel) -> tuple[Parts, Boosters]:
    residuals = model.residuals
    parts = {
        "counts": asdict(model.counts),
        "basket": asdict(model.basket),
        "longest_month": residuals.longest_month,
        "silence_calibration": asdict(residuals.silence_calibration),
        "margin_share": model.margin.margin_share,
        "idle_cost": model.margin.idle_cost,
        "costs": credibility_as_json(model.margin.costs),
        "silent_share": list(model.silent_share),
        "level": list(model.level),
    }
    boosters = {name: getattr(residuals, name) for name in ("counts", "silence", "basket")}
    return parts, boosters


def _shop_from_parts(signals: tuple[Signal, ...], parts: Parts, boosters: Boosters) -> ShopModel:
    residuals = ShopResiduals(
        parts["longest_month"],
        boosters.get("counts"),
        boosters.get("silence"),
        boosters.get("basket"),
        LogitCalibration(**parts["silence_calibration"]),
    )
    costs = credibility_from_json(parts["costs"])
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

"""A/A and A/B runs on made-up customers: how often intervals hold the truth, what CUPED narrows."""

from typing import Any

import numpy as np

from valuation.effects import (
    Arms,
    Effect,
    difference_of_means,
    difference_of_shares,
    difference_with_covariates,
)

RUNS = 4000
_SETTINGS = ((1000, 1000, 0.0), (1800, 200, 0.0), (1800, 200, 8.0))
"""Treated, control, planted effect on margin."""


def readings(seed: int) -> list[dict[str, Any]]:
    """Return a row a setting and estimator."""
    rng = np.random.default_rng(seed)
    return [row for setting in _SETTINGS for row in _of_setting(*setting, rng)]


def _of_setting(
    n_treated: int, n_control: int, effect: float, rng: np.random.Generator
) -> list[dict[str, Any]]:
    found: dict[str, list[Effect]] = {"Welch": [], "CUPED": [], "retention, Newcombe": []}
    for _ in range(RUNS):
        margin, before, stayed = _drawn(n_treated, n_control, effect, rng)
        found["Welch"].append(difference_of_means(margin))
        found["CUPED"].append(difference_with_covariates(margin, before))
        found["retention, Newcombe"].append(difference_of_shares(stayed))
    truths = {"retention, Newcombe": 0.0}
    return [
        _row(name, (n_treated, n_control), truths.get(name, effect), effects)
        for name, effects in found.items()
    ]


def _drawn(
    n_treated: int, n_control: int, effect: float, rng: np.random.Generator
) -> tuple[Arms, Arms, Arms]:
    """Draw margins like those of customers: skewed, some leave, worth known in part before."""
    n = n_treated + n_control
    known = rng.lognormal(3, 0.8, n)
    leaving = np.clip(0.25 - 0.002 * known, 0.02, 1)
    stayed = (rng.random(n) > leaving).astype(np.float64)
    margin = known * rng.gamma(4, 0.25, n) * np.where(stayed > 0, 1.0, rng.random(n))
    margin[:n_treated] += effect
    return tuple(Arms(each[:n_treated], each[n_treated:]) for each in (margin, known, stayed))


def _row(name: str, sizes: tuple[int, int], truth: float, effects: list[Effect]) -> dict[str, Any]:
    held = [effect.low <= truth <= effect.high for effect in effects]
    estimates = np.array([effect.effect for effect in effects])
    return {
        "estimator": name,
        "treated": sizes[0],
        "control": sizes[1],
        "planted": truth,
        "runs": len(effects),
        "coverage": float(np.mean(held)),
        "mean_estimate": float(estimates.mean()),
        "standard_error_of_mean": float(estimates.std(ddof=1) / np.sqrt(len(estimates))),
        "mean_width": float(np.mean([effect.high - effect.low for effect in effects])),
        "clear": float(np.mean([effect.is_clear for effect in effects])),
    }

"""Made-up experiments whose effects are known."""

import numpy as np

from training.uplift.learners import Lesson
from valuation.targeting import Trial


def lesson(n, spread, seed=0, mean=0.05, treated_share=0.5):
    """Return an experiment on staying, whose effect is mean + spread x the first of five inputs."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(n, 5)).astype(np.float32)
    treated = (rng.random(n) < treated_share).astype(np.float64)
    effect = mean + spread * np.clip(inputs[:, 0], -2, 2)
    stays = np.clip(0.7 + 0.05 * inputs[:, 1] + treated * effect, 0, 1)
    outcome = (rng.random(n) < stays).astype(np.float64)
    return Lesson(inputs, Trial(treated, outcome, np.full(n, treated_share)))

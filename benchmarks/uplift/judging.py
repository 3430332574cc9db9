"""Every ranking of an experiment's customers, judged on the same effect scores and resamples."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.uplift.data_sets import Experiment
from training.mean_trees import predicted
from training.uplift.judging import learn, unseen_effects
from training.uplift.learners import (
    LEARNERS,
    Lesson,
    crossfitted_scores,
    folds,
    outcomes_by_arm,
)
from valuation.targeting import Ranking, judged, resampled

Values = NDArray[np.float64]
PRODUCT, RESPONSE = "keepworth", "response model"
SHARES = (0.1, 0.2, 0.3, 0.5)
_FOLDS = 5


def reading(experiment: Experiment, seed: int) -> dict[str, Any]:
    """Return the figures of every ranking, and of keepworth's less each other's, paired."""
    chosen = learn(experiment.lesson, seed)
    held = experiment.held_out or experiment.lesson
    priorities = _priorities(experiment, chosen.name, seed)
    scores = crossfitted_scores(held, seed)
    rankings = {name: Ranking.of(scores, each) for name, each in priorities.items()}
    drawn = resampled(rankings, SHARES, np.random.default_rng(seed))
    return {
        "experiment": experiment.name,
        "outcome": experiment.outcome,
        "n_learned": len(experiment.lesson.inputs),
        "n_judged": len(held.inputs),
        "effect": float(scores.mean()),
        "learner": chosen.name,
        "rankings": [
            {"ranking": name} | _figures(ranking, drawn[name]) for name, ranking in rankings.items()
        ],
        "differences": _differences(rankings, drawn),
    }


def _priorities(experiment: Experiment, chosen: str, seed: int) -> dict[str, Values]:
    """Return priorities by ranking; keepworth's own is that of the learner it chose."""
    if experiment.held_out is None:
        unseen = {name: unseen_effects(experiment.lesson, name, seed) for name in LEARNERS}
        response = _unseen_response(experiment.lesson, seed)
    else:
        held = experiment.held_out.inputs
        unseen = {name: fit(experiment.lesson, seed).raw(held) for name, fit in LEARNERS.items()}
        response = predicted(outcomes_by_arm(experiment.lesson, seed)[1], held)
    own = unseen[chosen] if chosen in unseen else np.zeros(len(response))
    signed = response if experiment.response_first else -response
    return {PRODUCT: own, **unseen, RESPONSE: signed, **experiment.published}


def _unseen_response(lesson: Lesson, seed: int) -> Values:
    expected = np.empty(len(lesson.inputs))
    for fitted, held in folds(lesson, _FOLDS, seed):
        _, below = outcomes_by_arm(lesson.rows(fitted), seed)
        expected[held] = predicted(below, lesson.inputs[held])
    return expected


def _figures(ranking: Ranking, drawn: Values) -> dict[str, list[float]]:
    names = ("autoc", "qini", *(f"gain_{share:.0%}" for share in SHARES))
    columns = zip(names, ranking.figures(SHARES), drawn.T, strict=True)
    return {name: list(judged(float(value), spread)) for name, value, spread in columns}


def _differences(
    rankings: Mapping[str, Ranking], drawn: Mapping[str, Values]
) -> list[dict[str, Any]]:
    own, qini = rankings[PRODUCT].figures(SHARES), 1
    return [
        {
            "against": name,
            "qini": list(
                judged(
                    float(own[qini] - ranking.figures(SHARES)[qini]),
                    drawn[PRODUCT][:, qini] - drawn[name][:, qini],
                )
            ),
        }
        for name, ranking in rankings.items()
        if name not in (PRODUCT, *LEARNERS)
    ]

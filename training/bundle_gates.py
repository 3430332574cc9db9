"""Gates that a challenger's bundle passes by itself: its size, its speed, its steadiness."""

import time
from pathlib import Path

import numpy as np

from features.blocks import Block
from training.bundle import Bundle
from training.gate import Gate, judged
from training.known import Known
from training.retraining_rules import RetrainingRules
from training.scoring import score
from training.value_moves import ValueMoves

_TRIES = 5


def size_gate(folder: Path, rules: RetrainingRules) -> Gate:
    """Hold the size of the files of a bundle against the bound."""
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    most = rules.model_megabytes
    found = f"the model takes {size:,.1f} MB"
    way_out = f"expected at most {most} MB; set retraining.model_megabytes"
    return judged("size", found, way_out, passed=size <= most, megabytes=size)


def latency_gate(bundle: Bundle, known: Known, rules: RetrainingRules) -> Gate:
    """Score one customer alone a few times; the best of them counts, as the machine may be busy."""
    block = next(known.blocks())
    alone = Block(block.history.span(0, 1), block.profiles.customers(np.array([0])))
    seconds = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        score(bundle, alone, known.cutoff)
        seconds.append(time.perf_counter() - began)
    found = f"one customer is scored in {min(seconds) * 1000:,.1f} ms"
    way_out = f"expected at most {rules.score_seconds} s; set retraining.score_seconds"
    best = min(seconds)
    return judged("latency", found, way_out, passed=best <= rules.score_seconds, seconds=best)


def stability_gate(moves: ValueMoves, rules: RetrainingRules) -> Gate:
    """Hold how far the model alone moves customers of whom nothing new is known."""
    if not moves.has_same_rules:
        found = "[business] has changed: CLV moves with it, and nothing is compared"
        return Gate("stability", passed=True, found=found)
    median = moves.median_move()
    if median is None:
        return Gate("stability", passed=True, found="no customer is unchanged")
    n = len(moves.unchanged())
    found = f"the CLV of {n:,} unchanged customers moves by {median:.1%} at the median"
    way_out = f"expected at most {rules.median_move:.0%}; set retraining.median_move"
    figures = {"median_move": median, "customers": n, "spearman": moves.rank_correlation()}
    return judged("stability", found, way_out, passed=median <= rules.median_move, **figures)

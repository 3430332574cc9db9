"""Gates before a promotion: what a challenger must be, beside the champion and by itself.

Where a bound of calibration or coverage is missed, a challenger that misses it by no more than
the champion is let through: to keep the champion would help nobody.
"""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.backtest_plan import PRODUCT
from training.comparison import AS_IT_IS, CHAMPION, TASKS, Compared, difference
from training.data_gates import NOISE
from training.gate import Gate
from training.metrics import interval_metrics
from training.retraining_rules import RetrainingRules

FEWEST_OF_SEGMENT = 100
"""A segment with fewer customers, over all cutoffs, is told and does not decide."""
RUINED_BY = 0.1
"""A segment is ruined where the loss grows by more than this share of the champion's."""
CALIBRATED = (0.8, 1.25)
CALIBRATED_SEGMENT = (0.6, 1.67)
COVERED, COVERED_SEGMENT = 0.1, 0.2
"""How far the coverage of 80% intervals may fall short, overall and in a segment."""
_NOMINAL = 0.8
_TOP, _HIGH = 0.9, 0.7
Values = NDArray[np.float64]


def promotion_gates(
    compared: Compared, rules: RetrainingRules, *, has_champion: bool
) -> list[Gate]:
    """Return the gates that a comparison decides.

    Without finished windows nothing can be shown: a champion stays, and where there is none a
    challenger is better than nothing.
    """
    if not compared.cutoffs:
        found = "no window is finished: nothing can be compared"
        way_out = "wait until more was observed, or lower retraining.compare_months"
        return [Gate("comparison", not has_champion, found, way_out)]
    segment = segments_of(compared)
    return [
        *_champion_gates(compared, rules),
        naive_gate(compared, rules),
        calibration_gate(compared, segment),
        coverage_gate(compared, segment),
        *_segment_gates(compared, segment, rules),
    ]


def segments_of(compared: Compared) -> pd.Series:
    """Return the segment of each of the challenger's rows: value tier and risk third.

    Tiers go by the champion's forecasts, or the challenger's own where there is no champion, so
    that both are judged on the same people. The index is that of `Compared.rows`.
    """
    own = compared.rows(PRODUCT)
    by = compared.rows(CHAMPION) if CHAMPION in compared.models else own
    parts = [_segments(part) for _, part in by.groupby("cutoff")]
    return pd.Series(pd.concat(parts).to_numpy(), index=own.index)


def _segments(rows: pd.DataFrame) -> pd.Series:
    value, risk = rows["value_mean"], rows["churn_probability"].rank(pct=True, method="average")
    rank = value.rank(pct=True, method="average")
    tier = np.select([value < 0, rank > _TOP, rank > _HIGH], ["loss", "top", "high"], "middle")
    band = np.select([risk <= 1 / 3, risk <= 2 / 3], ["low", "medium"], "high")
    named = [f"{one}/{other}" for one, other in zip(tier, band, strict=True)]
    return pd.Series(named, index=rows.index)


def _champion_gates(compared: Compared, rules: RetrainingRules) -> Iterator[Gate]:
    for model, name in ((CHAMPION, "champion"), (AS_IT_IS, "champion as it is")):
        if model in compared.models:
            yield _no_worse(compared, rules, name, [model])


def naive_gate(compared: Compared, rules: RetrainingRules) -> Gate:
    """Hold the challenger against every naive formula."""
    formulas = [model for model in compared.models if model.startswith("naive_")]
    return _no_worse(compared, rules, "naive formulas", formulas)


def _no_worse(compared: Compared, rules: RetrainingRules, name: str, models: list[str]) -> Gate:
    """Return a gate that is closed where a loss is larger beyond noise and beyond the bound."""
    told, figures = [], {}
    for model in models:
        for task in TASKS:
            found, loss = difference(compared, model, task)
            share = found.mean / loss if loss else 0.0
            figures[f"{task} against {model}"] = vars(found) | {"share": share}
            if found.low > 0 and share > rules.worse_by:
                told.append(f"{task} is worse than {model} by {share:.1%} of its loss")
    words = "; ".join(told) or f"not worse than {', '.join(models) or 'anything'} beyond noise"
    way_out = "see `metrics` of the decision; `--force --reason` promotes all the same"
    return Gate(name, not told, words, way_out if told else "", figures)


def calibration_gate(compared: Compared, segment: pd.Series) -> Gate:
    """Hold predicted exits against those that came, overall and by segment."""
    own, beside = compared.rows(PRODUCT), _beside(compared)
    told, figures = [], {}
    for name, chosen in _parts(segment):
        bounds = CALIBRATED if name == "all" else CALIBRATED_SEGMENT
        ratio, errors = _ratio(own[chosen])
        figures[name] = ratio
        is_off = not bounds[0] <= ratio <= bounds[1] and errors > NOISE
        if is_off and _is_further(ratio, _ratio(beside[chosen])[0] if beside is not None else None):
            told.append(f"{name}: {ratio:.2f} predicted for each exit that came")
    words = "; ".join(told) or f"{figures['all']:.2f} predicted for each exit that came"
    way_out = f"expected {CALIBRATED[0]} to {CALIBRATED[1]}; see whether churn was recorded in full"
    return Gate("calibration", not told, words, way_out if told else "", figures)


def coverage_gate(compared: Compared, segment: pd.Series) -> Gate:
    """Hold the share of 80% intervals that held what came, overall and by segment.

    Too few is a fault. More than 80% is none: where most customers bring just what was expected
    of them, as over a month or two, no interval can leave them out.
    """
    own, beside = compared.rows(PRODUCT), _beside(compared)
    if not np.isfinite(own["value_low"]).all():
        return Gate(
            "coverage", passed=True, found="no intervals could be calibrated at the cutoffs"
        )
    told, figures = [], {}
    for name, chosen in _parts(segment):
        most = COVERED if name == "all" else COVERED_SEGMENT
        share = _coverage(own[chosen])
        figures[name] = share
        noise = NOISE * math.sqrt(_NOMINAL * (1 - _NOMINAL) / int(chosen.sum()))
        is_short = _NOMINAL - share > max(most, noise)
        if is_short and (beside is None or not share >= _coverage(beside[chosen])):
            told.append(f"{name}: {share:.0%} held")
    words = "; ".join(told) or f"80% intervals held {figures['all']:.0%}"
    least, of_segment = _NOMINAL - COVERED, _NOMINAL - COVERED_SEGMENT
    way_out = f"expected {least:.0%} or more of 80% intervals, in a segment {of_segment:.0%}"
    return Gate("coverage", not told, words, way_out if told else "", figures)


def _segment_gates(
    compared: Compared, segment: pd.Series, rules: RetrainingRules
) -> Iterator[Gate]:
    """Yield one gate: no segment's loss may grow beyond noise by more than a tenth."""
    if CHAMPION not in compared.models:
        return
    most, told, figures = max(RUINED_BY, rules.worse_by), [], {}
    parts = [part for part in _parts(segment) if part[0] != "all"]
    # Bonferroni: with many segments one of them would look ruined by chance.
    level = 1 - 0.05 / max(1, len(parts) * len(TASKS))
    for name, chosen in parts:
        for task in TASKS:
            found, loss = difference(compared, CHAMPION, task, list(chosen), level)
            share = found.mean / loss if loss else 0.0
            figures[f"{name} {task}"] = share
            if found.low > 0 and share > most:
                told.append(f"{name}: {task} is worse by {share:.0%} of the champion's loss")
    words = "; ".join(told) or f"no segment of {len(parts)} is ruined"
    way_out = "see which signals the segment lives by; `--force --reason` promotes all the same"
    yield Gate("segments", not told, words, way_out if told else "", figures)


def _parts(segment: pd.Series) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield all rows, then each segment that is large enough to matter."""
    yield "all", np.ones(len(segment), dtype=bool)
    for name in sorted(segment.unique()):
        chosen = (segment == name).to_numpy()
        if chosen.sum() >= FEWEST_OF_SEGMENT:
            yield str(name), chosen


def _beside(compared: Compared) -> pd.DataFrame | None:
    return compared.rows(CHAMPION) if CHAMPION in compared.models else None


def _ratio(rows: pd.DataFrame) -> tuple[float, float]:
    """Return predicted over actual exits, and how many standard errors they are apart."""
    said, came = rows["churn_probability"].to_numpy(float), rows["churned"].to_numpy(float)
    error = math.sqrt(max(float((said * (1 - said)).sum()), 1e-9))
    return float(said.sum() / max(came.sum(), 1.0)), float(abs(said.sum() - came.sum()) / error)


def _is_further(ratio: float, of_champion: float | None) -> bool:
    """Return whether a ratio is further from 1 than the champion's, who may not be there."""
    if of_champion is None:
        return True
    return abs(math.log(max(ratio, 1e-9))) > abs(math.log(max(of_champion, 1e-9)))


def _coverage(rows: pd.DataFrame) -> float:
    columns = ("value_low", "value_high", "value_actual", "value_mean")
    low, high, actual, mean = (rows[name].to_numpy(float) for name in columns)
    held = interval_metrics(low, high, actual, mean, rows["churned"].to_numpy(bool))
    return float(held["coverage"])  # type: ignore[arg-type]  # a number where there are rows

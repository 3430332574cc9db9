"""Gates before a promotion: what a challenger must be, beside the champion and by itself.

Where a bound of calibration or coverage is missed, a challenger that misses it by no more than
the champion as it is is let through: to keep what serves would help nobody. That the champion's
recipe would miss it as much, fitted by the same code, is no excuse; that naive formulas miss the
exits that came as much is one, as the world has changed.
"""

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.backtest_plan import PRODUCT
from training.comparison import AS_IT_IS, CHAMPION, KEY, TASKS, Compared, difference
from training.data_gates import NOISE
from training.gate import Gate, judged
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
_SAME_RECIPE = "the recipe is the champion's, on newer data: there is nothing to compare"
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
        *(_champion_gates(compared, rules) if has_champion else ()),
        naive_gate(compared, rules),
        calibration_gate(compared, segment),
        coverage_gate(compared, segment),
        *(_segment_gates(compared, segment, rules) if has_champion else ()),
    ]


def segments_of(compared: Compared) -> pd.Series:
    """Return the segment of each of the challenger's rows: value tier and risk third.

    Tiers go by what the champion says, as it is if it was asked, and where it was not by the
    challenger's own, so that both are judged on the same people. The index is that of
    `Compared.rows`.
    """
    own = compared.rows(PRODUCT)
    segment = _segments(own)
    for model in (CHAMPION, AS_IT_IS):
        of_champion = _segments(compared.rows(model)) if model in compared.models else segment
        segment = of_champion.reindex(segment.index).fillna(segment)
    return pd.Series(segment.to_numpy(), index=own.index)


def _segments(rows: pd.DataFrame) -> pd.Series:
    """Return tier and third within each cutoff, by the rows' key."""
    by_cutoff = rows.groupby("cutoff")
    value = rows["value_mean"]
    rank, risk = (
        by_cutoff[name].rank(pct=True, method="average")
        for name in ("value_mean", "churn_probability")
    )
    tier = np.select([value < 0, rank > _TOP, rank > _HIGH], ["loss", "top", "high"], "middle")
    band = np.select([risk <= 1 / 3, risk <= 2 / 3], ["low", "medium"], "high")
    named = [f"{one}/{other}" for one, other in zip(tier, band, strict=True)]
    return pd.Series(named, index=pd.MultiIndex.from_frame(rows[KEY]))


def _champion_gates(compared: Compared, rules: RetrainingRules) -> Iterator[Gate]:
    if CHAMPION in compared.models:
        yield _no_worse(compared, rules, "champion", [CHAMPION])
    else:
        yield Gate("champion", passed=True, found=_SAME_RECIPE)
    if AS_IT_IS in compared.models:
        yield _no_worse(compared, rules, "champion as it is", [AS_IT_IS])
    elif compared.is_code_other:
        found = "another code, or other libraries, and no month is over since it was trained"
        way_out = "wait until one is; `--force --reason` promotes all the same"
        yield Gate("champion as it is", passed=False, found=found, way_out=way_out)


def naive_gate(compared: Compared, rules: RetrainingRules) -> Gate:
    """Hold the challenger against every naive formula."""
    return _no_worse(compared, rules, "naive formulas", _naive_models(compared))


def _naive_models(compared: Compared) -> list[str]:
    return [model for model in compared.models if model.startswith("naive_")]


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
    return judged(name, words, way_out, passed=not told, **figures)


def calibration_gate(compared: Compared, segment: pd.Series) -> Gate:
    """Hold predicted exits against those that came, overall and by segment.

    Where the world changed after the cutoffs, whatever was fitted before is off, the naive
    formulas too: what is left beyond their ratio is the challenger's own.
    """
    own, told, figures = compared.rows(PRODUCT), [], {}
    shift = _shift(compared)
    predicted = f"{compared.exits_in_words} predicted for each that came"
    for name, chosen in _parts(segment):
        bounds = CALIBRATED if name == "all" else CALIBRATED_SEGMENT
        ratio, errors = _ratio(own[chosen])
        figures[name] = ratio
        is_within = any(bounds[0] <= each <= bounds[1] for each in (ratio, ratio / shift))
        is_off = not is_within and errors > NOISE
        if is_off and not _is_excused(compared, own[chosen], _distance_from_calibrated):
            told.append(f"{name}: {ratio:.2f} {predicted}")
    words = "; ".join(told) or f"{figures['all']:.2f} {predicted}"
    if shift != 1.0:
        words += f" (naive formulas: {shift:.2f})"
    way_out = f"expected {CALIBRATED[0]} to {CALIBRATED[1]}; see whether churn was recorded in full"
    return judged("calibration", words, way_out, passed=not told, **figures)


def coverage_gate(compared: Compared, segment: pd.Series) -> Gate:
    """Hold the share of 80% intervals that held what came, overall and by segment.

    Too few is a fault. More than 80% is none: where most customers bring just what was expected
    of them, as over a month or two, no interval can leave them out.
    """
    own = compared.rows(PRODUCT)
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
        if is_short and not _is_excused(compared, own[chosen], lambda rows: -_coverage(rows)):
            told.append(f"{name}: {share:.0%} held")
    words = "; ".join(told) or f"80% intervals held {figures['all']:.0%}"
    least, of_segment = _NOMINAL - COVERED, _NOMINAL - COVERED_SEGMENT
    way_out = f"expected {least:.0%} or more of 80% intervals, in a segment {of_segment:.0%}"
    return judged("coverage", words, way_out, passed=not told, **figures)


def _segment_gates(
    compared: Compared, segment: pd.Series, rules: RetrainingRules
) -> Iterator[Gate]:
    """Yield one gate: no segment's loss may grow beyond noise by more than a tenth."""
    most, told, figures = max(RUINED_BY, rules.worse_by), [], {}
    parts = [part for part in _parts(segment) if part[0] != "all"]
    models = [model for model in (CHAMPION, AS_IT_IS) if model in compared.models]
    # Bonferroni: with many segments one of them would look ruined by chance.
    level = 1 - 0.05 / max(1, len(models) * len(parts) * len(TASKS))
    for model, (name, chosen) in product(models, parts):
        if len(_matched(compared, model, compared.rows(PRODUCT)[chosen])) < FEWEST_OF_SEGMENT:
            continue
        for task in TASKS:
            found, loss = difference(compared, model, task, list(chosen), level)
            share = found.mean / loss if loss else 0.0
            figures[f"{name} {task} against {model}"] = share
            if found.low > 0 and share > most:
                told.append(f"{name}: {task} is worse than {model} by {share:.0%} of its loss")
    sound = f"no segment of {len(parts)} is ruined" if models else _SAME_RECIPE
    words = "; ".join(told) or sound
    way_out = "see which signals the segment lives by; `--force --reason` promotes all the same"
    yield judged("segments", words, way_out, passed=not told, **figures)


def _parts(segment: pd.Series) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield all rows, then each segment that is large enough to matter."""
    yield "all", np.ones(len(segment), dtype=bool)
    for name in sorted(segment.unique()):
        chosen = (segment == name).to_numpy()
        if chosen.sum() >= FEWEST_OF_SEGMENT:
            yield str(name), chosen


def _ratio(rows: pd.DataFrame) -> tuple[float, float]:
    """Return predicted over actual exits, and how many standard errors they are apart."""
    said, came = rows["churn_probability"].to_numpy(float), rows["churned"].to_numpy(float)
    error = math.sqrt(max(float((said * (1 - said)).sum()), 1e-9))
    return float(said.sum() / max(came.sum(), 1.0)), float(abs(said.sum() - came.sum()) / error)


def _shift(compared: Compared) -> float:
    """Return the naive formulas' ratio nearest to 1 where all of them are off, else 1."""
    found = [_ratio(compared.rows(model)) for model in _naive_models(compared)]
    known = [each for each in found if math.isfinite(each[0]) and each[0] > 0]
    if not known or any(
        CALIBRATED[0] <= ratio <= CALIBRATED[1] or errors <= NOISE for ratio, errors in known
    ):
        return 1.0
    return min((ratio for ratio, _ in known), key=lambda ratio: abs(math.log(ratio)))


def _is_excused(
    compared: Compared, own: pd.DataFrame, miss: Callable[[pd.DataFrame], float]
) -> bool:
    """Return whether the champion as it is misses as much, where both were asked of enough."""
    if AS_IT_IS not in compared.models:
        return False
    beside = _matched(compared, AS_IT_IS, own)
    return len(beside) >= FEWEST_OF_SEGMENT and miss(own.merge(beside[KEY], on=KEY)) <= miss(beside)


def _matched(compared: Compared, model: str, own: pd.DataFrame) -> pd.DataFrame:
    """Return what a model said of some of the challenger's rows, as far as it was asked."""
    return compared.rows(model).merge(own[KEY], on=KEY)


def _distance_from_calibrated(rows: pd.DataFrame) -> float:
    return abs(math.log(max(_ratio(rows)[0], 1e-9)))


def _coverage(rows: pd.DataFrame) -> float:
    columns = ("value_low", "value_high", "value_actual", "value_mean")
    low, high, actual, mean = (rows[name].to_numpy(float) for name in columns)
    held = interval_metrics(low, high, actual, mean, rows["churned"].to_numpy(bool))
    return float(held["coverage"])  # type: ignore[arg-type]  # a number where there are rows

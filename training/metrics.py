"""How good predictions were: of churn, and of value."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

Values = NDArray[np.float64]
_LEAST = 1e-6
_DECILES = 10


def churn_metrics(probability: Values, left: NDArray[np.bool_]) -> dict[str, float | int | None]:
    """Return log-loss, Brier score, AUC and predicted over actual exits, shape (n,) inputs.

    Log-loss holds probabilities off 0 and 1 by 1e-6. What cannot be computed (nobody left, or
    everybody did) is None. The Brier score is the time-dependent one of Graf, Schmoor, Sauerbrei
    and Schumacher (1999) at the end of the window: a finished window has nobody censored, so that
    its weights are all 1.
    """
    outcome = left.astype(np.float64)
    held = np.clip(probability, _LEAST, 1 - _LEAST)
    log_loss = -(outcome * np.log(held) + (1 - outcome) * np.log1p(-held)).mean()
    two_sided = 0 < outcome.sum() < len(outcome)
    return {
        "n_customers": len(outcome),
        "n_outcomes": int(outcome.sum()),
        "log_loss": float(log_loss),
        "brier": float(np.square(probability - outcome).mean()),
        "auc": float(roc_auc_score(outcome, probability)) if two_sided else None,
        "predicted_actual": _ratio(probability.sum(), outcome.sum()),
        "calibration_error": calibration_error(probability, left),
    }


def calibration_error(probability: Values, left: NDArray[np.bool_]) -> float:
    """Return the mean over deciles by prediction of |mean probability - share that left|."""
    tenths = _tenths_by(probability, left.astype(np.float64))
    return float(np.mean([abs(said.mean() - came.mean()) for said, came in tenths]))


def value_metrics(predicted: Values, actual: Values) -> dict[str, float | int | None]:
    """Return the errors of predicted value against what was realised, shape (n,) inputs.

    WAPE is the sum of absolute errors over the sum of absolute actuals; the decile error is the
    mean over deciles by prediction of |predicted / actual - 1| of their totals; the normalised
    Gini is the Gini of actuals ranked by prediction over that of actuals ranked by themselves;
    capture is the share of actual value that the top 10% or 20% by prediction brought.
    """
    return {
        "n_customers": len(actual),
        "rmse": float(np.sqrt(np.square(predicted - actual).mean())),
        "wape": _ratio(np.abs(predicted - actual).sum(), np.abs(actual).sum()),
        "normalised_gini": normalised_gini(predicted, actual),
        "spearman": spearman(predicted, actual),
        "predicted_actual": _ratio(predicted.sum(), actual.sum()),
        "decile_error": decile_error(predicted, actual),
        "capture_10": capture(predicted, actual, 0.1),
        "capture_20": capture(predicted, actual, 0.2),
    }


def count_metrics(expected: Values, actual: Values) -> dict[str, float | int | None]:
    """Return the errors of expected counts against those that came, shape (n,) inputs.

    The Poisson deviance is 2 x mean of (y log(y / m) - (y - m)), expectations m held off 0 by
    1e-6 (McCullagh and Nelder 1989, table 2.1).
    """
    held = np.maximum(expected, _LEAST)
    came = np.where(actual > 0, actual * np.log(np.maximum(actual, 1) / held), 0.0)
    return {
        "n_customers": len(actual),
        "n_outcomes": int(actual.sum()),
        "poisson_deviance": float(2 * (came - (actual - held)).mean()),
        "rmse": float(np.sqrt(np.square(expected - actual).mean())),
        "normalised_gini": normalised_gini(expected, actual),
        "predicted_actual": _ratio(expected.sum(), actual.sum()),
    }


def interval_metrics(
    low: Values, high: Values, actual: Values, mean: Values, left: NDArray[np.bool_]
) -> dict[str, object]:
    """Return how many actual values intervals hold, ends included, shape (n,) inputs.

    Overall, by tenth of customers by predicted mean (ascending), and among those who left;
    `mean_width` is in major units. None where there is nobody to count.
    """
    # A cent's rounding must not decide whether an interval holds its own end.
    slack = 1e-9 * np.maximum(1.0, np.abs(actual))
    is_held = ((low - slack <= actual) & (actual <= high + slack)).astype(np.float64)
    return {
        "n_customers": len(actual),
        "coverage": _share(is_held),
        "coverage_by_tenth": [_share(held) for _, held in _tenths_by(mean, is_held)],
        "coverage_left": _share(is_held[left]),
        "mean_width": _share(high - low),
    }


def _share(values: Values) -> float | None:
    return float(values.mean()) if len(values) else None


def normalised_gini(predicted: Values, actual: Values) -> float | None:
    """Return how well predictions rank actual value: 1 is perfect, 0 is chance.

    None where actual values do not differ, or do not sum to more than zero. Ties in prediction
    count half each way, so that the order of rows does not matter.
    """
    best = _gini(actual, actual)
    return None if best is None or best == 0 else float((_gini(predicted, actual) or 0.0) / best)


def spearman(predicted: Values, actual: Values) -> float | None:
    """Return the rank correlation; None where one of both is constant."""
    if len(actual) < 2 or np.ptp(predicted) == 0 or np.ptp(actual) == 0:
        return None
    return float(np.corrcoef(_ranks(predicted), _ranks(actual))[0, 1])


def decile_error(predicted: Values, actual: Values) -> float | None:
    """Return the mean over deciles by prediction of |predicted / actual - 1| of the totals."""
    tenths = _tenths_by(predicted, actual)
    ratios = [_ratio(said.sum(), came.sum()) for said, came in tenths]
    known = [abs(ratio - 1) for ratio in ratios if ratio is not None]
    return float(np.mean(known)) if known else None


def capture(predicted: Values, actual: Values, top_share: float) -> float | None:
    """Return the share of actual value brought by the top share of customers by prediction.

    The customer whom the limit cuts counts in part. None where the total is not above zero.
    """
    total = actual.sum()
    if total <= 0:
        return None
    order = np.argsort(-predicted, kind="stable")
    brought = np.cumsum(np.append(0.0, _shared_among_ties(predicted, actual)[order]))
    limit = top_share * len(actual)
    return float(np.interp(limit, np.arange(len(brought)), brought) / total)


def _tenths_by(predicted: Values, actual: Values) -> list[tuple[Values, Values]]:
    """Return predictions and actuals by tenth of the customers, in the order of prediction."""
    shared = _shared_among_ties(predicted, actual)
    tenths = np.array_split(np.argsort(predicted, kind="stable"), _DECILES)
    return [(predicted[rows], shared[rows]) for rows in tenths if len(rows)]


def _shared_among_ties(predicted: Values, actual: Values) -> Values:
    """Return actuals with those of equal predictions shared evenly, so that no order matters."""
    _, member, counts = np.unique(predicted, return_inverse=True, return_counts=True)
    return (np.bincount(member, actual) / counts)[member]


def _gini(ranked_by: Values, actual: Values) -> float | None:
    total = actual.sum()
    if not len(actual) or total <= 0:
        return None
    ranks = _ranks(ranked_by)
    return float((2 * (ranks * actual).sum() / total - (len(actual) + 1)) / len(actual))


def _ranks(values: Values) -> Values:
    """Return mean ranks from 1, ties sharing theirs."""
    _, member, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[member]


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole != 0 else None

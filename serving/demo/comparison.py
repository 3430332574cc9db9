"""How close scores came to the simulator's truth."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_YEAR = 12


@dataclass(frozen=True)
class TruthComparison:
    """Hold estimated against true figures over all active customers, money in EUR.

    `survival_12m_error` and `churn_3m_error` are mean absolute errors of probabilities,
    `clv_error` one of money; correlations are between customers.
    """

    customers: int
    equity: float
    true_equity: float
    clv_error: float
    true_mean_clv: float
    clv_correlation: float
    churn_3m: float
    true_churn_3m: float
    churn_3m_error: float
    churn_3m_correlation: float
    survival_12m: float
    true_survival_12m: float
    survival_12m_error: float
    loss_makers: int
    true_loss_makers: int

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Say the figures in sentences."""
        off = self.equity / self.true_equity - 1
        yield (
            f"customer equity: estimated {self.equity:,.0f} EUR, true {self.true_equity:,.0f} EUR "
            f"({off:+.1%})"
        )
        yield (
            f"CLV of a customer: off by {self.clv_error:,.0f} EUR on average, where the true mean "
            f"is {self.true_mean_clv:,.0f} EUR; correlation {self.clv_correlation:.2f}"
        )
        yield (
            f"leaving within 3 months: estimated {self.churn_3m:.2%}, true "
            f"{self.true_churn_3m:.2%}; correlation {self.churn_3m_correlation:.2f}"
        )
        yield (
            f"still there after 12 months: estimated {self.survival_12m:.1%}, true "
            f"{self.true_survival_12m:.1%}; off by {self.survival_12m_error:.1%} on average"
        )
        yield f"worth less than nothing: estimated {self.loss_makers}, true {self.true_loss_makers}"


def compare_with_truth(scores: pd.DataFrame, truth: pd.DataFrame) -> TruthComparison:
    """Compare scores with the truth of the same customers at the same moment.

    Parameters
    ----------
    scores : DataFrame
        The contract's `scores`.
    truth : DataFrame
        `Operator.truth`: customer_id, churn_3m, clv and arrays of survival.
    """
    active = scores[scores["status"] == "active"]
    both = active.merge(truth, on="customer_id", suffixes=("", "_true"))
    year, true_year = _after_a_year(both["survival"]), _after_a_year(both["survival_true"])
    return TruthComparison(
        customers=len(both),
        equity=float(both["clv"].sum()),
        true_equity=float(both["clv_true"].sum()),
        clv_error=float((both["clv"] - both["clv_true"]).abs().mean()),
        true_mean_clv=float(both["clv_true"].mean()),
        clv_correlation=float(both["clv"].corr(both["clv_true"])),
        churn_3m=float(both["churn_3m"].mean()),
        true_churn_3m=float(both["churn_3m_true"].mean()),
        churn_3m_error=float((both["churn_3m"] - both["churn_3m_true"]).abs().mean()),
        churn_3m_correlation=float(both["churn_3m"].corr(both["churn_3m_true"])),
        survival_12m=float(year.mean()),
        true_survival_12m=float(true_year.mean()),
        survival_12m_error=float(np.abs(year - true_year).mean()),
        loss_makers=int((both["clv"] < 0).sum()),
        true_loss_makers=int((both["clv_true"] < 0).sum()),
    )


def _after_a_year(survival: pd.Series) -> NDArray[np.float64]:
    return np.stack(list(survival))[:, _YEAR - 1]

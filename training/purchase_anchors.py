"""Two models of when customers buy again, and their mean: neither is right everywhere.

In BG/NBD a customer can drop out only when buying, in Pareto/NBD at any moment.
"""

from dataclasses import dataclass

import numpy as np

from training.fit_errors import CannotBeFittedError
from training.forecast import Curves
from training.pareto_nbd import ParetoNBD, fit_pareto_nbd
from training.purchase_anchor import PurchaseAnchor, Rhythm, fit_purchase_anchor

_LEAST = 1e-6


@dataclass(frozen=True)
class PurchaseAnchors:
    """Hold both models; Pareto/NBD is None where nobody bought twice."""

    bg_nbd: PurchaseAnchor
    pareto_nbd: ParetoNBD | None

    def monthly_purchases(self, rhythm: Rhythm, weeks: Curves) -> Curves:
        """Return the geometric mean of their E[purchases in month k], shape (n, n_months).

        `weeks` (n_months,) are those from now to the end of each month. At least a millionth.
        """
        of_bg_nbd = self.level(rhythm, weeks)
        if self.pareto_nbd is None:
            return of_bg_nbd
        of_pareto_nbd = _by_month(self.pareto_nbd.expected_purchases(rhythm, weeks))
        return np.sqrt(of_bg_nbd * of_pareto_nbd)

    def level(self, rhythm: Rhythm, weeks: Curves) -> Curves:
        """Return E[purchases in month k] by BG/NBD, whose totals are the better ones."""
        return _by_month(self.bg_nbd.expected_purchases(rhythm, weeks))

    def no_purchase(self, rhythm: Rhythm, weeks: Curves) -> Curves:
        """Return P(no purchase in the coming weeks) by BG/NBD, shape (n, n_months)."""
        return self.bg_nbd.no_purchase(rhythm, weeks)


def fit_purchase_anchors(rhythm: Rhythm) -> PurchaseAnchors:
    """Fit both by maximum likelihood."""
    try:
        pareto_nbd = fit_pareto_nbd(rhythm)
    except CannotBeFittedError:
        pareto_nbd = None
    return PurchaseAnchors(fit_purchase_anchor(rhythm), pareto_nbd)


def _by_month(until: Curves) -> Curves:
    return np.maximum(np.diff(until, prepend=0.0, axis=1), _LEAST)

"""Segments: a value tier and a risk band for every customer, as `top/low`.

Cuts are found once, on one portfolio, and kept: a customer's segment must not move because
other customers came or went.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from valuation.arrays import FloatArray, finite_vector, require_equal_shapes, require_within


@dataclass(frozen=True)
class SegmentCuts:
    """Hold the values that part the tiers and bands, in major units and as probabilities.

    CLV above `top` is `top`, above `high` is `high`. Churn below `low_risk` is
    `low`, above `high_risk` is `high`. What equals a cut falls towards the middle.

    Raises
    ------
    ValueError
        If a cut is not finite, or the two cuts of a pair are in the wrong order.
    """

    top: float
    high: float
    low_risk: float
    high_risk: float

    def __post_init__(self) -> None:
        """Refuse cuts that could put one customer into two tiers or bands."""
        for name, cut in self.as_dict().items():
            if not math.isfinite(cut):
                raise ValueError(f"{name} is {cut}; give a finite cut.")
        if self.high > self.top:
            raise ValueError(f"high is {self.high} and top {self.top}; give high up to top.")
        if self.low_risk > self.high_risk:
            raise ValueError(
                f"low_risk is {self.low_risk} and high_risk {self.high_risk}; "
                "give low_risk up to high_risk."
            )

    def as_dict(self) -> dict[str, float]:
        """Return the cuts as plain numbers by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, cuts: Mapping[str, float]) -> "SegmentCuts":
        """Rebuild the cuts that `as_dict` gave; ValueError unless the names are the same."""
        names = [field.name for field in fields(cls)]
        if sorted(cuts) != sorted(names):
            raise ValueError(f"cuts has {sorted(cuts)}; give exactly {sorted(names)}.")
        return cls(**{name: float(cuts[name]) for name in names})


def segment_cuts(clv: FloatArray, churn: FloatArray) -> SegmentCuts:
    """Find the cuts that make the top 10%, the next 20%, and thirds of churn.

    A tier or band never holds more than its share: customers tied at a cut fall towards the
    middle, so that equal customers are never parted and a constant model calls nobody risky.

    Parameters
    ----------
    clv : (n_customers,)
        CLV in major units, signed, of at least one customer.
    churn : (n_customers,)
        Churn probability within the months that make the risk, in [0, 1].

    Returns
    -------
    SegmentCuts
        To be stored with the model.

    Raises
    ------
    ValueError
        If there are no customers, the lengths differ, or a value is not finite or in range.

    Examples
    --------
    >>> cuts = segment_cuts(np.arange(10.0), np.arange(10.0) / 10)
    >>> cuts.as_dict()
    {'top': 8.0, 'high': 6.0, 'low_risk': 0.3, 'high_risk': 0.6}
    """
    values, risks = _checked(clv, churn)
    n_customers = len(values)
    if n_customers == 0:
        raise ValueError("clv has no customers; give at least one.")
    values, risks = np.sort(values), np.sort(risks)
    return SegmentCuts(
        top=float(values[n_customers - 1 - n_customers // 10]),
        high=float(values[n_customers - 1 - 3 * n_customers // 10]),
        low_risk=float(risks[n_customers // 3]),
        high_risk=float(risks[n_customers - 1 - n_customers // 3]),
    )


def segments(clv: FloatArray, churn: FloatArray, cuts: SegmentCuts) -> NDArray[np.object_]:
    """Name the segment of each customer, as `top/low`.

    Parameters
    ----------
    clv : (n_customers,)
        CLV in major units. Below zero the tier is `loss`, whatever the cuts.
    churn : (n_customers,)
        Churn probability within the months that make the risk, in [0, 1].
    cuts : SegmentCuts
        The cuts stored with the model.

    Returns
    -------
    (n_customers,) of str
        Tier `loss`, `top`, `high` or `middle`, a slash, band `low`, `medium` or `high`.

    Raises
    ------
    ValueError
        If the lengths differ, or a value is not finite or in range.

    Examples
    --------
    >>> cuts = SegmentCuts(top=100.0, high=50.0, low_risk=0.1, high_risk=0.3)
    >>> segments(np.array([120.0, -5.0]), np.array([0.05, 0.4]), cuts).tolist()
    ['top/low', 'loss/high']
    """
    values, risks = _checked(clv, churn)
    tiers = np.select(
        [values < 0, values > cuts.top, values > cuts.high], ["loss", "top", "high"], "middle"
    )
    bands = np.select([risks < cuts.low_risk, risks > cuts.high_risk], ["low", "high"], "medium")
    return tiers.astype(object) + "/" + bands.astype(object)


def _checked(clv: FloatArray, churn: FloatArray) -> tuple[FloatArray, FloatArray]:
    values, risks = finite_vector("clv", clv), finite_vector("churn", churn)
    require_equal_shapes(clv=values, churn=risks)
    require_within("churn", risks, 0.0, 1.0)
    return values, risks

"""The scored customers as the report's sections ask for them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from serving.report.wording import Money, count_of
from training.business import Business

Values = NDArray[np.float64]
TIERS = ("top", "high", "middle", "loss")
BANDS = ("low", "medium", "high")


@dataclass(frozen=True)
class Portfolio:
    """Hold customers apart by status, one row each with the columns of `scores`.

    `longest_month` is how many months ahead training saw.
    """

    active: pd.DataFrame
    lost: pd.DataFrame
    business: Business
    longest_month: int

    @cached_property
    def money(self) -> Money:
        """How amounts of this business are said."""
        return Money(self.business.currency)

    @property
    def is_shop(self) -> bool:
        """Whether customers never say that they left."""
        return self.business.contract == "transactional"

    @property
    def n_active(self) -> int:
        """How many customers have a value."""
        return len(self.active)

    @property
    def leaving(self) -> str:
        """What leaving means for this business, within the months of its risk."""
        within = count_of(self.risk_months, "month")
        return f"buy nothing in the next {within}" if self.is_shop else f"leave within {within}"

    @property
    def risk_months(self) -> int:
        """Months within which leaving is meant."""
        return self.business.risk_months

    @cached_property
    def clv(self) -> Values:
        """CLV of the active, (n_active,), major units."""
        return self.numbers("clv")

    @cached_property
    def churn(self) -> Values:
        """Churn of the active within the months of risk, (n_active,), in [0, 1]."""
        return self.numbers(f"churn_{self.risk_months}m")

    @cached_property
    def tiers(self) -> NDArray[np.object_]:
        """Value tier of the active, (n_active,)."""
        return self._part_of_segment(0)

    @cached_property
    def bands(self) -> NDArray[np.object_]:
        """Risk band of the active, (n_active,); empty text where a segment has none."""
        return self._part_of_segment(2)

    @cached_property
    def survival(self) -> Values | None:
        """Survival of the active, (n_active, horizon_months); None where not every row has it."""
        return self.curves("survival")

    def numbers(self, column: str) -> Values:
        """Return a column of the active as float64, (n_active,); null and absent are NaN."""
        if column not in self.active:
            return np.full(self.n_active, np.nan)
        return pd.to_numeric(self.active[column]).to_numpy(dtype=np.float64, na_value=np.nan)

    def curves(self, column: str) -> Values | None:
        """Return a column of lists as (n_active, n_months); None where a row has no list."""
        rows = self.active[column].tolist() if column in self.active else [None]
        if not rows or any(row is None or isinstance(row, float) for row in rows):
            return None
        return np.array(rows, dtype=np.float64)

    def _part_of_segment(self, part: int) -> NDArray[np.object_]:
        segment = self.active["segment"].fillna("unknown").astype(str)
        return segment.str.partition("/")[part].to_numpy(dtype=object)


def portfolio_of(scores: pd.DataFrame, business: Business, longest_month: int) -> Portfolio:
    """Part the active from the lost."""
    is_active = (scores["status"] == "active").to_numpy(dtype=bool)
    active = scores[is_active].reset_index(drop=True)
    return Portfolio(active, scores[~is_active].reset_index(drop=True), business, longest_month)


def in_order(present: NDArray[np.object_], order: tuple[str, ...]) -> list[str]:
    """Return the distinct names present: known ones in their order, others after, by name."""
    names = set(present.tolist())
    return [name for name in order if name in names] + sorted(names.difference(order))

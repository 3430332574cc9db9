"""How a new version moves what customers are worth: by new data, and by the new model.

Three scorings tell them apart. The champion as of its own training, the champion as of now, and
the challenger as of now: from the first to the second the data moved, from the second to the
third the model did.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.blocks import blocks
from features.instants import datetime_of
from features.log import Log
from training.bundle import Bundle
from training.metrics import spearman
from training.recipe import same_rules
from training.scoring import score
from valuation.equity import customer_equity

ROUTINE = ("payment", "usage")
"""Kinds of event that leave a customer as unchanged as everybody."""
_LEAST_SHARE = 0.01
_CHANGED = """
    SELECT DISTINCT customer_id FROM read_parquet($files)
    WHERE recorded_at >= make_timestamptz($since) AND NOT list_contains($routine, kind)"""


@dataclass(frozen=True)
class ValueMoves:
    """Hold CLV by customer; 0 where they are no customer then.

    `clv` has the columns `customer_id`, `before`, `with_new_data`, `with_new_model`,
    `is_customer` (now) and `is_unchanged`: nothing but payments and usage came of them since the
    champion was trained. Money in major units. Without `has_same_rules` the champion was fitted for
    another `[business]`: what moved by rules, data and model cannot be told apart, and CLV then
    may be of another currency.
    """

    clv: pd.DataFrame
    since: int
    until: int
    has_same_rules: bool = True

    @property
    def equity_before(self) -> float:
        """What the champion said of the portfolio of its own day."""
        return customer_equity(self.clv["before"].to_numpy())

    @property
    def by_new_data(self) -> float:
        """How customer equity moved as the champion sees it: who came, left, and changed."""
        return customer_equity(self.clv["with_new_data"].to_numpy()) - self.equity_before

    @property
    def by_new_model(self) -> float:
        """How customer equity moves as the new model looks at the same customers."""
        return self.equity_now - customer_equity(self.clv["with_new_data"].to_numpy())

    @property
    def equity_now(self) -> float:
        """What the challenger says of the portfolio of today."""
        return customer_equity(self.clv["with_new_model"].to_numpy())

    def as_row(self) -> dict[str, float | None]:
        """Return the totals as JSON gives them; nobody is named, and other rules leave but one."""
        moved = {
            "customer_equity_before": self.equity_before,
            "by_new_data": self.by_new_data,
            "by_new_model": self.by_new_model,
        }
        told = moved if self.has_same_rules else dict.fromkeys(moved)
        return {**told, "customer_equity_now": self.equity_now}

    def top(self, most: int) -> pd.DataFrame:
        """Return the customers of highest CLV now, first the highest."""
        ranked = self.clv.sort_values(["with_new_model", "customer_id"], ascending=[False, True])
        return ranked.head(most)

    def unchanged(self) -> pd.DataFrame:
        """Return customers of whom nothing but payments and usage came."""
        return self.clv[self.clv["is_unchanged"] & self.clv["is_customer"]]

    def median_move(self) -> float | None:
        """Return the median share by which the model alone moves the CLV of the unchanged.

        A customer's own CLV counts for at least 1% of the mean, so that nothing is divided by
        nearly nothing. None where nobody is unchanged.
        """
        same = self.unchanged()
        if same.empty:
            return None
        before = same["with_new_data"].to_numpy(float)
        least = _LEAST_SHARE * max(float(np.abs(before).mean()), 1e-9)
        moved = np.abs(same["with_new_model"].to_numpy(float) - before)
        return float(np.median(moved / np.maximum(np.abs(before), least)))

    def rank_correlation(self) -> float | None:
        """Return how alike both models rank the unchanged; None where ranks mean nothing."""
        same = self.unchanged()
        return spearman(same["with_new_model"].to_numpy(), same["with_new_data"].to_numpy())


def value_moves(log: Log, champion: Bundle, challenger: Bundle) -> ValueMoves:
    """Score everybody three times: the champion then and now, and the challenger now."""
    since, until = champion.cutoff, challenger.cutoff
    before = clv_of(log, champion, since).rename(columns={"clv": "before"})
    data = clv_of(log, champion, until).rename(columns={"clv": "with_new_data"})
    model = clv_of(log, challenger, until).rename(columns={"clv": "with_new_model"})
    of_data = data[["customer_id", "with_new_data"]]
    together = model.merge(of_data, on="customer_id", how="left")
    together = together.merge(before[["customer_id", "before"]], on="customer_id", how="left")
    together["is_unchanged"] = ~together["customer_id"].isin(_changed_since(log, since))
    amounts = ["before", "with_new_data", "with_new_model"]
    together[amounts] = together[amounts].fillna(0.0)
    has_same_rules = same_rules(champion.business, challenger.business)
    return ValueMoves(together, since, until, has_same_rules)


def clv_of(log: Log, bundle: Bundle, as_of: int) -> pd.DataFrame:
    """Return `customer_id`, `clv` and `is_customer` of everybody visible before an instant."""
    attributes = list(bundle.vocabulary.levels)
    parts = []
    for block in blocks(log, bundle.business, attributes, datetime_of(as_of)):
        scores = score(bundle, block, as_of)
        there = scores.forecast.is_customer
        columns = {"customer_id": scores.customer_ids, "clv": scores.clv, "is_customer": there}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _changed_since(log: Log, since: int) -> set[str]:
    files = [str(path) for path in log.files("events")]
    values = {"files": files, "since": since, "routine": list(ROUTINE)}
    return set(log.query(_CHANGED, values).column(0).to_pylist())

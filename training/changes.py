"""What changed in customers' value between two scores, and by which lever."""

import numpy as np
import pandas as pd

from training.scoring import Scores
from valuation.discounting import discount_factors
from valuation.levers import lever_split

CHANGE_COLUMNS = (
    "customer_id",
    "clv_before",
    "clv_now",
    "time_lever",
    "value_lever",
    "segment_before",
    "segment",
)


def value_changes(before: Scores, now: Scores, annual_discount_rate: float) -> pd.DataFrame:
    """Return a row (CHANGE_COLUMNS) for every customer who was one before, money in major units.

    Both scores are of the same block. The levers add up to the change of CLV; the loss of a
    customer who left is all time.
    """
    were = np.flatnonzero(before.forecast.is_customer)
    earlier, later = before.forecast, now.forecast
    still = later.is_customer[were][:, None]
    margin_before = earlier.margin_if_active[were]
    split = lever_split(
        earlier.activity[were],
        margin_before,
        later.activity[were],
        np.where(still, later.margin_if_active[were], margin_before),
        discount_factors(margin_before.shape[1], annual_discount_rate),
    )
    return pd.DataFrame(
        {
            "customer_id": now.customer_ids[were],
            "clv_before": before.clv[were],
            "clv_now": now.clv[were],
            "time_lever": split.time,
            "value_lever": split.value,
            "segment_before": before.segment[were],
            "segment": now.segment[were],
        }
    )

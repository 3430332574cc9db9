"""Stakes: how likely customers are to leave, and what there is to win and to lose by a contact."""

import numpy as np
from numpy.typing import NDArray

from serving.campaigns.campaign import Campaign
from training.exit_kinds import KINDS, WITHIN_MONTHS
from training.scoring import Scores
from valuation.offers import Stakes
from valuation.saving import value_of_saving, value_of_staying

Values = NDArray[np.float64]


def voluntary_churn(scores: Scores, months: int = WITHIN_MONTHS) -> Values:
    """Return P(leaves voluntarily within so many months), shape (n,); all exits where kinds lack.

    Kinds are known of exits within three months; of later ones the same share is voluntary.
    """
    churn = scores.forecast.churn[:, months - 1]
    shares = scores.forecast.exit_shares
    return churn if shares is None else churn * shares[:, KINDS.index("voluntary")]


def stakes_of(
    scores: Scores,
    rows: NDArray[np.int64],
    campaign: Campaign,
    annual_discount_rate: float,
    months: int,
) -> Stakes:
    """Return what is at stake within so many months by contacting some customers of a block.

    Subscriptions alone.
    """
    forecast = scores.forecast.rows(rows)
    margin, survival = forecast.margin_if_active, forecast.survival
    if survival is None:
        raise ValueError("the scores are of a shop; give those of a subscription business.")
    ratio = campaign.hazard_ratio_if_saved
    return Stakes(
        voluntary_churn(scores, months)[rows],
        value_of_saving(margin, survival, annual_discount_rate, ratio, months),
        value_of_staying(margin, survival, annual_discount_rate, months),
        np.full(len(rows), campaign.contact_cost),
    )

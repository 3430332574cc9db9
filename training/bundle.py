"""One model version as a value: everything scoring needs, and no customer's row."""

from dataclasses import dataclass

from features.catalogue import Vocabulary
from features.references import References
from training.background import Background
from training.business import Business
from training.intervals import Intervals
from training.referrals import ReferralModel
from training.shop import ShopModel
from training.subscription import SubscriptionModel
from valuation.segments import SegmentCuts

UNREGISTERED = "unregistered"


@dataclass(frozen=True)
class Bundle:
    """Hold a fitted model with the business it was fitted for and the words it uses.

    `references` is what was known of the population at the cutoff. `cutoff` and `observed_from`
    are instants in microseconds; `data_fingerprint` identifies the log it was fitted on;
    `intervals` are None where history was too short to calibrate any, `background` where fewer
    than 20 customers were there: then nothing is explained; `referrals` are None where hardly any
    newcomer was brought;
    `longest_month` is the longest month ahead seen in training.
    """

    business: Business
    vocabulary: Vocabulary
    references: References
    model: SubscriptionModel | ShopModel
    cuts: SegmentCuts
    cutoff: int
    observed_from: int
    data_fingerprint: str
    n_customers: int
    intervals: Intervals | None = None
    background: Background | None = None
    referrals: ReferralModel | None = None
    version: str = UNREGISTERED

    @property
    def longest_month(self) -> int:
        """Longest month ahead whose outcomes training saw; what lies beyond is extrapolated."""
        if isinstance(self.model, SubscriptionModel):
            return self.model.hazard.longest_month
        return self.model.residuals.longest_month

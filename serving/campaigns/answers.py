"""How customers answer a campaign: as it assumes, or as its outcomes taught."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import signal_matrix
from features.kernel import Moment
from features.signal import Signal
from serving.campaigns.campaign import Campaign
from serving.campaigns.taught import Taught
from training.uplift.responses import Assumed, CampaignResponse, Source, believed_rate
from valuation.offers import OfferResponse

_NOTES = {
    "assumed": "",
    "measured": "the save rate is measured",
    "learned": "save rates are learned from outcomes",
}


class SaveRate(NamedTuple):
    """Say where a campaign's save rate is from; None where every customer has one of their own."""

    source: Source
    value: float | None


def assumed_response(campaign: Campaign) -> OfferResponse:
    """Return how a campaign assumes that customers answer."""
    return OfferResponse(
        campaign.save_rate,
        campaign.stayer_acceptance,
        campaign.disturbed_share,
        campaign.save_rate_weight,
    )


@dataclass(frozen=True)
class Answers:
    """Hold what outcomes taught of a campaign, with the signals it is read from."""

    taught: CampaignResponse
    signals: tuple[Signal, ...]
    awaited_months: int

    @classmethod
    def of(cls, taught: Taught, known: Mapping[str, Signal]) -> "Answers":
        """Fit what was taught to a catalogue; one that lacks signals leaves what was measured."""
        response = taught.response
        if response.source != "learned":
            return cls(response, (), taught.months)
        if any(name not in known for name in taught.signals):
            source: Source = "assumed" if response.measured is None else "measured"
            return cls(replace(response, source=source, model=None), (), taught.months)
        return cls(response, tuple(known[name] for name in taught.signals), taught.months)

    def save_rate(self, campaign: Campaign) -> SaveRate:
        """Return the rate that decisions of the campaign go by."""
        source, measured = self.taught.source, self.taught.measured
        if source == "learned":
            return SaveRate(source, None)
        if source == "assumed" or measured is None:
            return SaveRate("assumed", campaign.save_rate)
        rate, _ = believed_rate(measured, _assumed(campaign))
        return SaveRate(source, rate)

    @property
    def note(self) -> str:
        """What a decision says of where its save rate is from; empty if it is assumed."""
        return _NOTES[self.taught.source]

    def months(self, campaign: Campaign) -> int:
        """Return the window that the answers are of: what was awaited, or what is assumed."""
        return campaign.window_months if self.taught.source == "assumed" else self.awaited_months

    def response(
        self,
        campaign: Campaign,
        churn: NDArray[np.float64],
        moment: Moment,
        rows: NDArray[np.int64],
    ) -> OfferResponse:
        """Return how some customers of a moment answer; `churn` is voluntary, without one."""
        if self.taught.source == "assumed":
            return assumed_response(campaign)
        inputs = signal_matrix(moment, self.signals)[rows] if self.signals else np.empty((0, 0))
        rate, disturbed, weight = self.taught.of_customers(
            inputs.astype(np.float32), churn, _assumed(campaign)
        )
        return OfferResponse(rate, campaign.stayer_acceptance, disturbed, weight)


def _assumed(campaign: Campaign) -> Assumed:
    return Assumed(campaign.save_rate, campaign.save_rate_weight, campaign.disturbed_share)

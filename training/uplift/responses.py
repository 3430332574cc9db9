"""How customers answer a campaign: assumed until outcomes are in, then measured, then learned.

What `valuation.offers` needs to decide: the share of would-be leavers a contact saves, the share
of stayers it drives away, and how well that is known.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.person_periods import Matrix
from training.uplift.effect_model import EffectModel
from training.uplift.judging import PLAIN, Learned, learn
from training.uplift.learners import Lesson
from valuation.effects import Arms, Effect, saved_share
from valuation.strata import Strata

Values = NDArray[np.float64]
FEWEST_LEAVERS = 30
"""An arm needs so many who left before its share of leavers says more than an assumption."""
FEWEST_LEAVERS_TO_LEARN = 100
"""An arm needs so many before learners are tried: who differs is harder to see than how many."""
LEAST_CHURN = 0.001
"""Where hardly anybody leaves there is nobody to save, and a share of them means nothing."""
Source = Literal["assumed", "measured", "learned"]


class Responses(NamedTuple):
    """Hold how customers answer, (n_customers,) each; shares in [0, 1].

    `weight` says how well the save rate is known: as from so many would-be leavers contacted.
    """

    save_rate: Values
    disturbed_share: Values
    weight: Values


class Assumed(NamedTuple):
    """Hold what a campaign assumes of everybody: `weight` as in `Responses`."""

    save_rate: float
    weight: float
    disturbed_share: float = 0.0


@dataclass(frozen=True)
class CampaignResponse:
    """Hold what is known of a campaign's effect on staying, and where from.

    `measured` is the share of leavers saved, `model` the effect by customer; None until enough
    outcomes are in.
    """

    source: Source
    measured: Effect | None = None
    model: EffectModel | None = None

    def of_customers(self, inputs: Matrix, churn: Values, assumed: Assumed) -> Responses:
        """Return responses of customers whose signals and churn without a contact are given.

        Parameters
        ----------
        inputs : (n_customers, n_inputs)
            The signals that the model learned from; not read unless it did.
        churn : (n_customers,)
            P(leaves voluntarily within the window), in [0, 1]: of those a contact saves some.
        """
        if self.source == "learned" and self.model is not None:
            return responses_of_effects(*self.model.effect(inputs), churn)
        rate, weight = assumed.save_rate, assumed.weight
        if self.source == "measured" and self.measured is not None:
            rate, weight = believed_rate(self.measured, assumed)
        everybody = np.ones(len(churn))
        driven = assumed.disturbed_share * everybody
        return Responses(rate * everybody, driven, weight * everybody)


def response_from(lesson: Lesson, left: Arms, seed: int) -> tuple[CampaignResponse, Learned | None]:
    """Return what an experiment says of responses, and how learners did where any were tried.

    `left` says who left of those whom an offer is for, as `saved_share` takes it. Fewer than 30 of
    them in an arm leave the assumption as it is; from 30 on the share saved is measured; from 100
    on learners are judged, and one that knows who differs takes over.
    """
    allowed = source_of(left)
    if allowed == "assumed":
        return CampaignResponse("assumed"), None
    # Customers of one propensity were assigned alike.
    propensity = lesson.trial.propensity
    strata = Strata.of(propensity[lesson.treated], propensity[~lesson.treated])
    measured = saved_share(left, strata)
    if allowed == "measured":
        return CampaignResponse("measured", measured), None
    learned = learn(lesson, seed)
    if learned.name == PLAIN:
        return CampaignResponse("measured", measured), learned
    return CampaignResponse("learned", measured, learned.model), learned


def source_of(left: Arms) -> Source:
    """Return what the number of leavers allows, (n_customers,) in [0, 1] an arm."""
    fewest = int(min(left.treated.sum(), left.control.sum()))
    if fewest >= FEWEST_LEAVERS_TO_LEARN:
        return "learned"
    return "measured" if fewest >= FEWEST_LEAVERS else "assumed"


def believed_rate(measured: Effect, assumed: Assumed) -> tuple[float, float]:
    """Return save rate and weight of an assumption and a measurement together.

    A difference of arms is the net of those saved and those driven away. With p the share of the
    control group that left, n the net share saved and b the share of stayers assumed to be driven
    away, the measured save rate is s = n + b (1 - p) / p, held to [0, 1].

    The assumption counts as `assumed.weight` would-be leavers, the measurement, with standard error
    SE, as s (1 - s) / SE^2 - 1 of them, as many as a share known that well stands for, and never as
    more than there were among the treated: it is not certain even where all of both arms left. The
    belief is their weighted mean.
    """
    left = max(measured.control, LEAST_CHURN)
    driven = assumed.disturbed_share * (1 - left) / left
    rate = float(np.clip(measured.effect + driven, 0.0, 1.0))
    scatter = max(rate * (1 - rate), 0.01)
    variance = max(measured.standard_error**2, 1e-12)
    most = measured.n_treated * measured.control
    weight = min(max(scatter / variance - 1, 0.0), most)
    together = weight + assumed.weight
    return (weight * rate + assumed.weight * assumed.save_rate) / together, together


def responses_of_effects(effect: Values, error: Values, churn: Values) -> Responses:
    """Return responses that make a contact change retention by so much.

    With p voluntary churn without a contact and t the effect on P(stays), which counts every exit:
    where t is positive the save rate is t / p, at most 1, and nobody is disturbed; where it is
    negative nobody is saved and -t / (1 - p) of the others are driven away. The weight is that of a
    share with the standard error of t / p, at least 1.

    Parameters
    ----------
    effect, error : (n_customers,)
        Effect on P(stays), in [-1, 1], and its standard error.
    churn : (n_customers,)
        p; below 0.001 it counts as that.
    """
    leaving = np.maximum(churn, LEAST_CHURN)
    saved = np.clip(effect / leaving, 0.0, 1.0)
    driven = np.clip(-effect / np.maximum(1 - churn, LEAST_CHURN), 0.0, 1.0)
    scatter = np.maximum(saved * (1 - saved), 0.01)
    weight = np.maximum(scatter / np.square(np.maximum(error, 1e-9) / leaving) - 1, 1.0)
    return Responses(saved, driven, weight)

"""A small simulated operator, judged by keepworth, beside what is true of its customers."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.blocks import blocks
from features.ingest.run import ingest
from serving.campaigns.campaign import Campaign
from serving.campaigns.candidates import Candidate, Judge
from serving.demo.operator import Operator, simulate_operator
from serving.demo.parameters import OperatorParameters
from serving.workspace import open_workspace
from training.bundle import Bundle
from training.known import Known, known_at, observed_bounds
from training.subscription import fit_subscription
from valuation.saving import value_of_saving, value_of_staying
from valuation.segments import SegmentCuts

Values = NDArray[np.float64]
N_CUSTOMERS, MONTHS = 600, 18
DRAWS = 100
OFFER_COST, CONTACT_COST = 12.0, 0.8
SAVE_RATE, STAYER_ACCEPTANCE, DISTURBED_SHARE = 0.3, 0.15, 0.01
"""The means of what customers do, and what keepworth is told to assume."""
RESPONSES = 50
"""How often responses of an operator's customers are drawn; profit is the mean over them."""
_CONCENTRATION = 2.0
"""Customers differ in how they respond: most are hardly saved at all, some nearly always."""


@dataclass(frozen=True)
class Truth:
    """Hold what is true of customers: nobody but the oracle knows it.

    `churn` within three months, `saved` and `staying` as V and W of the expected profit, shape
    (n,); how each of them responds, (RESPONSES, n).
    """

    churn: Values
    saved: Values
    staying: Values
    save_rate: Values
    disturbed_share: Values

    def profit(self) -> Values:
        """Return what contacting each customer brings, the mean over what may happen.

        Shape (RESPONSES, n).
        """
        stays = 1 - self.churn
        accepts = self.churn * self.save_rate + stays * STAYER_ACCEPTANCE
        gained = self.churn * self.save_rate * self.saved
        driven_away = stays * self.disturbed_share * self.staying
        return gained - driven_away - CONTACT_COST - accepts * OFFER_COST


@dataclass(frozen=True)
class JudgedOperator:
    """Hold customers as keepworth sees them, in the order of their truth."""

    candidates: list[Candidate]
    truth: Truth


ASSUMED = {"right": SAVE_RATE, "half": SAVE_RATE / 2, "double": SAVE_RATE * 2}
"""Save rates that keepworth is told: as it is on average, and wrong by a factor of two."""


def campaign(name: str) -> Campaign:
    """Return a campaign that everybody is in the audience of, by what it assumes."""
    return Campaign(
        name=name,
        audience="true",
        offer="three months at half price",
        contact_cost=CONTACT_COST,
        offer_cost=OFFER_COST,
        save_rate=ASSUMED[name],
        stayer_acceptance=STAYER_ACCEPTANCE,
        disturbed_share=DISTURBED_SHARE,
    )


def judged_operator(seed: int, folder: Path) -> JudgedOperator:
    """Simulate an operator, train on its files, and judge it at the end of observation.

    Nobody is disconnected: all exits are voluntary.
    """
    params = OperatorParameters()
    params = replace(params, leaving=replace(params.leaving, disconnection=0.0))
    operator = simulate_operator(N_CUSTOMERS, seed, months=MONTHS, params=params)
    operator.write(folder)
    candidates = _candidates(folder)
    truth = operator.truth_at(MONTHS, DRAWS).set_index("customer_id")
    shared = [each for each in candidates if each.customer_id in truth.index]
    of_them = truth.loc[[each.customer_id for each in shared]]
    return JudgedOperator(shared, _truth(operator, of_them, np.random.default_rng([seed, 9])))


def _candidates(folder: Path) -> list[Candidate]:
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    log = workspace.log()
    cutoff = observed_bounds(log, settings.business)[1]
    known = known_at(log, settings.business, settings.features.attributes, cutoff)
    bundle = _bundle(known)
    judge = Judge([campaign(name) for name in ASSUMED], bundle)
    nobody = log.read_customers([])
    return [
        candidate
        for block in blocks(log, settings.business, list(bundle.vocabulary.levels))
        for candidate in judge.candidates(block, cutoff, nobody, lambda _: "benchmark")
    ]


def _bundle(known: Known) -> Bundle:
    """Return the model of `keepworth train` without what decisions do not read."""
    model, _ = fit_subscription(known)
    return Bundle(
        business=known.business,
        vocabulary=known.vocabulary,
        references=known.references,
        model=model,
        cuts=SegmentCuts(top=0.0, high=0.0, low_risk=0.5, high_risk=0.5),
        cutoff=known.cutoff,
        observed_from=known.observed_from,
        data_fingerprint=known.log.fingerprint,
        n_customers=0,
    )


def _truth(operator: Operator, of_them: pd.DataFrame, rng: np.random.Generator) -> Truth:
    survival = np.stack(of_them["survival"].to_list())
    margin = np.nan_to_num(np.stack(of_them["margin_given_active"].to_list()))
    rate = operator.params.annual_discount_rate
    shares = (
        rng.beta(mean * _CONCENTRATION, (1 - mean) * _CONCENTRATION, (RESPONSES, len(of_them)))
        for mean in (SAVE_RATE, DISTURBED_SHARE)
    )
    return Truth(
        of_them["churn_3m"].to_numpy(),
        value_of_saving(margin, survival, rate),
        value_of_staying(margin, survival, rate),
        *shares,
    )

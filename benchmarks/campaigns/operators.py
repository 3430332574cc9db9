"""A simulated operator that ran one randomised campaign, judged by keepworth beside what is true.

The model is trained on what was known before that campaign; its outcomes are what responses are
learned from; whom to contact is decided some months later, when its windows are over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.campaigns.responses import (
    CONTACT_COST,
    OFFER_COST,
    Response,
    accepts,
    contacted,
    true_response,
    types_of,
)
from features.blocks import blocks
from features.ingest.run import ingest
from features.instants import instant_of
from features.log import Log
from serving.campaigns.campaign import Campaign
from serving.campaigns.candidates import Candidate, Judge
from serving.campaigns.taught import Taught
from serving.demo.blocks import Bools, Floats
from serving.demo.crm import customer_ids
from serving.demo.instants import first_day
from serving.demo.operator import Operator, simulate_operator
from serving.demo.parameters import OperatorParameters
from serving.demo.population import Subscribers
from serving.workspace import Workspace, open_workspace
from training.bundle import Bundle
from training.experiments.assignments import assignments_of
from training.experiments.outcomes import Measure
from training.known import known_at
from training.subscription import fit_subscription
from training.uplift.lessons import lesson_of
from training.uplift.responses import CampaignResponse, response_from
from valuation.segments import SegmentCuts

N_CUSTOMERS, MONTHS_BEFORE, WINDOW_MONTHS = 6000, 24, 6
MONTHS = MONTHS_BEFORE + WINDOW_MONTHS + 1
DRAWS = 200
AUDIENCE = "days_since_notice IS NULL"
ASSUMED = {"save_rate": 0.25, "stayer_acceptance": 0.35, "disturbed_share": 0.01}
"""What keepworth is told: a guess, made before any policy was judged."""
TOLD: Mapping[str, Mapping[str, Any]] = {
    "assumed": ASSUMED,
    "learned": ASSUMED,
    "assumed-three-months": ASSUMED | {"window_months": 3},
    "assumed-half": ASSUMED | {"save_rate": 0.125},
    "assumed-double": ASSUMED | {"save_rate": 0.5},
    "averages": {"save_rate": 0.22, "stayer_acceptance": 0.38, "disturbed_share": 0.02},
}
"""What campaigns assume, by name; the last is what holds on average of seeds 1 and 2."""
_PILOT = "pilot"
_SOURCE = """
[[sources]]
name = "pilot"
into = "events"
files = { pilot = "raw/pilot.csv" }
select = '''
SELECT customer_id, kind, CAST(occurred_at AS TIMESTAMPTZ) AS occurred_at, amount, label FROM pilot
'''
"""


@dataclass(frozen=True)
class JudgedOperator:
    """Hold the customers who may be contacted, as keepworth sees them, in the order of the truth.

    `taught` is what the earlier campaign's outcomes said of responses.
    """

    candidates: list[Candidate]
    truth: Response
    taught: CampaignResponse


def campaign(name: str) -> Campaign:
    """Return the campaign by what it assumes, one of TOLD."""
    return Campaign(
        name=name,
        audience=AUDIENCE,
        offer="three months at half price",
        contact_cost=CONTACT_COST,
        offer_cost=OFFER_COST,
        **({"window_months": WINDOW_MONTHS} | TOLD[name]),
        control_share=0.0,
    )


def judged_operator(seed: int, folder: Path) -> JudgedOperator:
    """Simulate an operator, train on its files, learn from its campaign, judge it at the end."""
    pilot = Pilot(seed)
    operator = simulate_operator(N_CUSTOMERS, seed, months=MONTHS, intervention=pilot.run)
    operator.write(folder)
    pilot.write(folder, operator)
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    log, end = workspace.log(), _midnight(operator, MONTHS)
    bundle = _bundle(workspace, log, _midnight(operator, MONTHS_BEFORE))
    taught = _taught(log, bundle, end)
    judge = Judge([campaign(name) for name in TOLD], bundle, {"learned": taught})
    candidates = [each for each in _candidates(log, judge, end) if each.consent]
    truth = true_response(operator.history.openings[-1], pilot.luck, DRAWS, seed, operator.params)
    return JudgedOperator(*_aligned(candidates, operator, truth), taught.response)


class Pilot:
    """The earlier campaign: half of its audience, drawn by chance, is contacted on one day."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 8])
        self.luck: Floats = np.random.default_rng([seed, 9]).random(N_CUSTOMERS)
        self._rows: list[dict[str, object]] = []

    def run(self, month: int, state: Subscribers) -> Subscribers:
        """Contact the treated as its month begins; no other month is touched."""
        if month != MONTHS_BEFORE:
            return state
        kind = types_of(state, self.luck, OperatorParameters())
        audience = ~state.under_notice
        treated: Bools = audience & (self._rng.random(len(state)) < 0.5)
        accepted = treated & accepts(kind, self._rng)
        self._keep(state, audience & ~treated, "assignment", f"{_PILOT}/control")
        self._keep(state, treated, "assignment", f"{_PILOT}/treated")
        self._keep(state, treated, "contact", _PILOT, CONTACT_COST)
        self._keep(state, accepted, "offer", _PILOT, OFFER_COST)
        return contacted(state, kind, treated)

    def write(self, folder: Path, operator: Operator) -> None:
        """Write what the operator's systems know of it, as one more source of the workspace."""
        rows = pd.DataFrame(self._rows)
        rows["occurred_at"] = _midnight(operator, MONTHS_BEFORE).isoformat()
        rows.to_csv(folder / "raw" / "pilot.csv", index=False)
        with (folder / "keepworth.toml").open("a", encoding="utf-8") as file:
            file.write(_SOURCE)

    def _keep(
        self, state: Subscribers, who: Bools, kind: str, label: str, amount: float | None = None
    ) -> None:
        self._rows += [
            {"customer_id": each, "kind": kind, "label": label, "amount": amount}
            for each in customer_ids(state.who[who])
        ]


def _midnight(operator: Operator, month: int) -> datetime:
    began = first_day(operator.history.openings[month].month)
    return datetime.combine(began, time(), UTC)


def _bundle(workspace: Workspace, log: Log, cutoff: datetime) -> Bundle:
    """Return the model of `keepworth train` without what decisions do not read."""
    settings = workspace.configuration
    known = known_at(log, settings.business, settings.features.attributes, instant_of(cutoff))
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


def _taught(log: Log, bundle: Bundle, end: datetime) -> Taught:
    """Return what `keepworth campaigns learn` makes of the earlier campaign."""
    measure = Measure(WINDOW_MONTHS, instant_of(end), bundle.business, bundle)
    assignments = assignments_of(log, _PILOT, end + timedelta(days=1))
    lesson = lesson_of(log, assignments, "treated", measure, bundle)
    response, _ = response_from(lesson.lesson, seed=0)
    names = tuple(signal.name for signal in lesson.signals)
    return Taught(response, names, WINDOW_MONTHS)


def _candidates(log: Log, judge: Judge, end: datetime) -> list[Candidate]:
    business, levels = judge.bundle.business, list(judge.bundle.vocabulary.levels)
    return [
        candidate
        for block in blocks(log, business, levels)
        for candidate in judge.candidates(
            block,
            instant_of(end),
            log.read_customers([str(each) for each in block.history.customer_ids]),
            lambda _: "benchmark",
        )
    ]


def _aligned(
    candidates: list[Candidate], operator: Operator, truth: Response
) -> tuple[list[Candidate], Response]:
    """Return candidates who are customers in truth, and the truth of each of them."""
    there = pd.Index(customer_ids(operator.history.openings[-1].who))
    places = there.get_indexer(pd.Index([each.customer_id for each in candidates]))
    kept = [each for each, place in zip(candidates, places, strict=True) if place >= 0]
    return kept, truth.take(places[places >= 0])

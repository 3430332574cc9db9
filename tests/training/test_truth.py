"""A simulated operator whose truth is known: how near estimates come to it."""

import numpy as np
import pandas as pd
import pytest

from features.ingest.run import ingest
from serving.demo.operator import simulate_operator
from serving.workspace import open_workspace
from tests.training.worlds import Trained
from training.fitting import fit_bundle
from training.known import known_at, observed_bounds
from training.scoring import score

MONTHS = 24
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Estimates of 1,500 customers of an operator beside the truth."""
    folder = tmp_path_factory.mktemp("truth")
    simulated = simulate_operator(1500, seed=21, months=MONTHS)
    simulated.write(folder)
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    log = workspace.log()
    cutoff = observed_bounds(log, settings.business)[1]
    known = known_at(log, settings.business, settings.features.attributes, cutoff)
    estimated = _estimates(Trained(log, known, *fit_bundle(known)))
    return estimated.merge(simulated.truth_at(MONTHS, draws=60), on="customer_id")


def _estimates(world: Trained) -> pd.DataFrame:
    scored = [score(world.bundle, block, world.known.cutoff) for block in world.blocks]
    return pd.DataFrame(
        {
            "customer_id": np.concatenate([part.customer_ids for part in scored]),
            "estimated_clv": np.concatenate([part.clv for part in scored]),
            "estimated_churn": np.concatenate([part.forecast.churn[:, 2] for part in scored]),
        }
    )


def test_customer_equity_is_within_fifteen_percent_of_the_truth(both: pd.DataFrame) -> None:
    assert both["estimated_clv"].sum() == pytest.approx(both["clv"].sum(), rel=0.15)


def test_who_is_truly_likelier_to_leave_is_said_to_be(both: pd.DataFrame) -> None:
    assert both["estimated_churn"].corr(both["churn_3m"]) > 0.8
    assert both["estimated_churn"].mean() == pytest.approx(both["churn_3m"].mean(), rel=0.25)


def test_who_is_truly_worth_more_is_said_to_be(both: pd.DataFrame) -> None:
    assert both["estimated_clv"].corr(both["clv"]) > 0.8

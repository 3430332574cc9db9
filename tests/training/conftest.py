"""Two businesses, made and fitted once: a simulated operator and a shop."""

import pytest

from features.ingest.run import ingest
from serving.demo.operator import Operator, simulate_operator
from serving.workspace import open_workspace
from tests.training.worlds import Trained, ingested_log, sales, shop_business
from training.fitting import fit_bundle
from training.known import known_at, observed_bounds

N_CUSTOMERS, MONTHS = 800, 18


@pytest.fixture(scope="session")
def simulated() -> Operator:
    return simulate_operator(N_CUSTOMERS, seed=5, months=MONTHS)


@pytest.fixture(scope="session")
def operator(simulated: Operator, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The simulated operator, fitted at the end of observation."""
    folder = tmp_path_factory.mktemp("trained_operator")
    simulated.write(folder)
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    log, business = workspace.log(), settings.business
    cutoff = observed_bounds(log, business)[1]
    known = known_at(log, business, settings.features.attributes, cutoff)
    return Trained(log, known, *fit_bundle(known))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A shop with 200 buyers over a year, fitted at the end of observation."""
    business = shop_business(
        gross_margin=0.4,
        horizon_months=12,
        cost_to_serve={"per_month": 0.1},
        observed_from="2022-01-01T00:00:00Z",
        observed_until="2023-01-01T00:00:00Z",
    )
    log = ingested_log(
        tmp_path_factory.mktemp("trained_shop"), sales(200, months=12, seed=3), business
    )
    known = known_at(log, business, [], observed_bounds(log, business)[1])
    return Trained(log, known, *fit_bundle(known))

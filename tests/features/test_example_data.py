"""The kernel equals the SQL form on the example data and on the simulated operator."""

import pytest

from features.ingest.run import ingest
from features.mistakes import NotFoundError
from serving.demo.operator import simulate_operator
from serving.workspace import open_workspace
from serving.workspaces.examples import EXAMPLES, set_up_example
from tests.features.sql_form.log_parity import differences_in_log, instants_of


def differences_in_workspace(folder, n_instants):
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    log = workspace.log()
    return differences_in_log(
        log, settings.business, settings.features.attributes, instants_of(log, n_instants)
    )


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", [example.name for example in EXAMPLES])
def test_every_signal_of_an_example_equals_sql(tmp_path, name):
    try:
        set_up_example(name, tmp_path / name, None)
    except NotFoundError as error:
        pytest.skip(f"the data of {name} is not here: {error}")

    assert differences_in_workspace(tmp_path / name, n_instants=4)[:5] == []


@pytest.mark.long
def test_every_signal_of_the_simulated_operator_equals_sql(tmp_path):
    simulate_operator(1600, seed=5, months=24).write(tmp_path)

    assert differences_in_workspace(tmp_path, n_instants=4)[:5] == []

"""The benchmark of the feature engine still runs, and its peers still agree with the kernel."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.features import duckdb_peer, pandas_peer
from benchmarks.features.kernel_run import signals_by_slice
from benchmarks.features.measuring import ROOT, Stopwatch
from benchmarks.features.peer import matrix_of
from benchmarks.features.signals_compared import common_signals, full_catalogue, instants
from benchmarks.features.synthetic_histories import history_sizes, slabs
from benchmarks.features.workspace import write_sources
from features.ingest.run import ingest
from features.log import Log
from features.slices import slices
from serving.workspace import open_workspace

N_EVENTS, SEED = 2_000, 7


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark") / "events"
    write_sources(folder, SEED, N_EVENTS)
    opened = open_workspace(folder)
    settings = opened.configuration
    ingest(folder, opened.state, settings.sources, settings.business, settings.ingest)
    return folder


@pytest.fixture(scope="module")
def kernel_matrices(workspace: Path) -> list[np.ndarray]:
    log, watch = Log.open(workspace / "state"), Stopwatch()
    found: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {as_of: [] for as_of in instants()}
    for as_of, ids, matrix in signals_by_slice(log, common_signals(), watch, list(slices(log))):
        found[as_of].append((ids, matrix))
    orders = {as_of: np.argsort(np.concatenate([i for i, _ in found[as_of]])) for as_of in found}
    return [np.concatenate([m for _, m in found[as_of]])[orders[as_of]] for as_of in instants()]


@pytest.mark.parametrize("form", ["plain", "grouped"])
@pytest.mark.parametrize("peer", [pandas_peer, duckdb_peer], ids=["pandas", "duckdb"])
def test_a_peer_gives_the_bits_of_the_kernel(peer, form, workspace, kernel_matrices):
    staged = peer.stage(workspace)
    for as_of, expected in zip(instants(), kernel_matrices, strict=True):
        found = matrix_of(peer.aggregates_at(staged, as_of, form))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("form", ["plain", "grouped"])
def test_polars_gives_the_values_of_the_kernel(form, workspace, kernel_matrices):
    pytest.importorskip("polars", reason="make benchmark-features installs it")
    from benchmarks.features import polars_peer

    staged = polars_peer.stage(workspace)
    found = matrix_of(polars_peer.aggregates_at(staged, instants()[-1], form))
    np.testing.assert_allclose(found, kernel_matrices[-1], rtol=1e-14)


def test_the_synthetic_log_has_the_asked_size_tail_and_share_of_late_rows(workspace):
    sizes = history_sizes(np.random.default_rng(SEED), 1_000_000)
    assert sizes.sum() == pytest.approx(1_000_000, abs=100)
    assert (len(sizes), sizes.min() >= 1, sizes.max() <= 5_000) == (10_000, True, True)
    events = pq.read_table(Log.open(workspace / "state").files("events"))
    assert events.num_rows == pytest.approx(N_EVENTS, abs=5)
    late = pc.greater(events.column("recorded_at"), events.column("occurred_at"))
    assert pc.mean(late).as_py() == pytest.approx(0.03, abs=0.015)


def test_the_same_seed_makes_the_same_events():
    first, again = (list(slabs(SEED, N_EVENTS)) for _ in range(2))
    assert all(one.equals(other) for one, other in zip(first, again, strict=True))


def test_most_of_the_catalogue_can_be_said_by_the_peers():
    assert len(common_signals()) > 0.6 * len(full_catalogue())


@pytest.mark.long
def test_a_small_run_writes_every_table(tmp_path):
    parts = ["kernel", "peers", "catalogue-sql", "command", "online"]
    asked = ["--sizes", "20000", "--runs", "1", "--repetitions", "20", "--only", *parts]
    places = ["--cache", str(tmp_path / "cache"), "--page", str(tmp_path / "RESULTS.md")]
    command = [sys.executable, "-m", "benchmarks.features", *asked, *places]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    results = json.loads((tmp_path / "results.json").read_text())["parts"]
    assert sorted(results) == sorted(parts)
    generated = results["catalogue-sql"]["readings"][0]["agreement"]
    assert generated["equal_share"] == 1
    page = (tmp_path / "RESULTS.md").read_text()
    assert page.count("\n## ") == len(parts)
    assert "| 20,000 | keepworth's kernel |" in page

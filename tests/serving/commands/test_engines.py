"""`--engine spark` answers as the local engine does, and says in a line what it lacks."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.mistakes import ConfigurationError
from features.spark.session import PYSPARK, _require_java
from tests.running_spark import running_spark
from tests.serving.commands.small_workspace import write_small_workspace
from tests.serving.commands.terminal import done, keepworth
from tests.shop import write_shop

OUTPUT = '\n[spark]\noutput = "elsewhere"\n[spark.conf]\nspark.sql.shuffle.partitions = 3\n'


@pytest.fixture(params=["operator", "shop"])
def workspace(request, tmp_path) -> Path:
    """Return a workspace of either contract with a trained version, for one test to write in."""
    running_spark()
    folder = tmp_path / "workspace"
    if request.param == "operator":
        operator = request.getfixturevalue("operator_workspace").folder
        return shutil.copytree(operator, folder)
    folder.mkdir()
    write_shop(folder, np.random.default_rng(3))
    done("ingest", "-C", folder)
    done("train", "-C", folder)
    return folder


def scores_in(place: str | Path) -> pa.Table:
    return pq.read_table(place).sort_by("customer_id")


@pytest.mark.long
@pytest.mark.spark
def test_scores_and_report_are_those_of_the_local_engine(workspace):
    here = done("score", "-C", workspace)
    parquet, csv = here["scores"]
    scores, lines = scores_in(parquet), sorted(Path(csv).read_text().splitlines())
    report = Path(here["report"]).read_bytes()

    by_spark = done("score", "-C", workspace, "--engine", "spark")

    assert by_spark == here
    assert scores_in(parquet).equals(scores)
    assert sorted(Path(csv).read_text().splitlines()) == lines
    assert Path(here["report"]).read_bytes() == report
    assert sorted(path.name for path in Path(csv).parent.iterdir()) == [
        "scores.csv",
        "scores.parquet",
    ]


@pytest.mark.long
@pytest.mark.spark
def test_an_output_elsewhere_gets_the_same_scores_and_snapshots(workspace):
    here = done("score", "-C", workspace)
    snapshot = done("features", "-C", workspace)["snapshots"][0]
    with (workspace / "keepworth.toml").open("a") as file:
        file.write(OUTPUT)

    scored = done("score", "-C", workspace, "--engine", "spark")
    written = done("features", "-C", workspace, "--engine", "spark")["snapshots"][0]

    assert scored["report"] is None
    assert scored["customers"] == here["customers"]
    assert scored["customer_equity"] == pytest.approx(here["customer_equity"], rel=1e-12)
    (place,) = scored["scores"]
    assert Path(place).parent == workspace / "elsewhere" / "scores"
    schema = pq.read_schema(here["scores"][0])
    assert scores_in(place).cast(schema).equals(scores_in(here["scores"][0]))
    assert Path(written["folder"]).parent == workspace / "elsewhere" / "snapshots"
    assert scores_in(written["folder"]).equals(scores_in(snapshot["folder"]))


@pytest.mark.long
@pytest.mark.spark
def test_a_failure_in_spark_ends_with_one_and_takes_few_lines(tmp_path):
    running_spark()
    folder = write_small_workspace(tmp_path)
    done("ingest", "-C", folder)
    for file in (folder / "state" / "log").rglob("*.parquet"):
        whole = file.read_bytes()
        file.write_bytes(whole[:40] + bytes(len(whole) - 48) + whole[-8:])
    with (folder / "keepworth.toml").open("a") as text:
        text.write(f'\n[spark]\nevents = "{folder}/state/log/*/*.parquet"\n')

    told = keepworth("features", "-C", folder, "--engine", "spark", "--as-of", "2024-06-01")

    assert told.code == 1
    assert told.err.startswith("keepworth: Spark could not finish: ")
    assert len(told.err.splitlines()) < 5
    assert not (folder / "state" / "snapshots" / "2024-06-01").exists()


@pytest.mark.long
@pytest.mark.spark
def test_scores_of_tables_from_elsewhere_need_a_place(operator_workspace, tmp_path):
    running_spark()
    folder = shutil.copytree(operator_workspace.folder, tmp_path / "workspace")
    with (folder / "keepworth.toml").open("a") as text:
        text.write(f'\n[spark]\nevents = "{folder}/state/log"\n')

    told = keepworth("score", "-C", folder, "--engine", "spark")

    assert told.code == 2
    assert "spark.output is missing" in told.err


def test_without_pyspark_the_way_to_get_it_is_told(tmp_path, monkeypatch):
    folder = write_small_workspace(tmp_path)
    done("ingest", "-C", folder)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)

    told = keepworth("features", "-C", folder, "--engine", "spark")

    assert told.code == 2
    assert "make spark" in told.err
    assert PYSPARK in told.err
    assert "pip install" not in told.err


def test_without_java_that_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    with pytest.raises(ConfigurationError, match="install Java 17 or later"):
        _require_java()


def test_workers_are_the_local_engines_alone(tmp_path):
    folder = write_small_workspace(tmp_path)

    told = keepworth("features", "-C", folder, "--engine", "spark", "--workers", "2")

    assert told.code == 2
    assert "--workers is an option of --engine local" in told.err

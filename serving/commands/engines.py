"""`--engine spark`: the session that `[spark]` configures, and what only it can do."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

import pyarrow.parquet as pq

from features.asked import Inputs
from features.building import publish_folder
from features.instants import instant_of
from features.mistakes import ConfigurationError, InputRefusedError, Mistake
from features.snapshots import SnapshotRun
from features.spark.output import write_elsewhere, written
from features.spark.session import spark_session
from features.spark.snapshots import write_snapshots_by_spark
from features.spark.tables import SparkTables, local_path
from serving.commands.instants import as_of_or_default
from serving.commands.portfolio import Portfolio, too_early
from serving.commands.progress import Tell
from serving.store.serving_version import find_version
from serving.workspace import Workspace, as_of_name
from training.known import bounds_of_span
from training.score_sums import ScoreSums
from training.spark import BundleFiles, changes_of, score_frame, score_sums, scores_of

Engine = Literal["local", "spark"]


@contextmanager
def spark_tables(workspace: Workspace) -> Iterator[SparkTables]:
    """Yield the tables that `[spark]` names, or the workspace's, in a running session."""
    rules = workspace.configuration.spark.below(workspace.folder)
    with spark_session(rules) as session:
        scales = workspace.configuration.business.usage_scale
        yield SparkTables(session, rules, workspace.log(), scales)


def snapshots_by_spark(
    workspace: Workspace, inputs: Inputs, as_ofs: list[str], tell: Tell
) -> SnapshotRun:
    """Write one snapshot an instant, below the workspace's snapshots or `spark.output`."""
    wanted = as_ofs or (None,)
    instants = (
        [] if _has_own_events(workspace) else [as_of_or_default(workspace, t) for t in wanted]
    )
    tell("starting Spark", 0.0)
    with spark_tables(workspace) as tables:
        instants = instants or [_as_of_of_tables(workspace, tables, text) for text in wanted]
        places = {as_of: _place_of(workspace, "snapshots", as_of) for as_of in instants}
        return write_snapshots_by_spark(tables, inputs, places, tell)


def valued_by_spark(
    workspace: Workspace, model: str | None, as_of: datetime, tell: Tell
) -> Portfolio:
    """Score everybody by Spark and bring the scores here, in the order of customer ids.

    Raises
    ------
    ConfigurationError
        If the tables are not the workspace's own: its report would speak of others.
    InputRefusedError
        If nobody is visible then.
    """
    tell("starting Spark", 0.0)
    with spark_tables(workspace) as tables:
        _require_log(tables)
        tell("scoring", 0.1)
        files = _bundle_files(workspace, model)
        frame = score_frame(tables, files, instant_of(as_of), with_changes=True)
        with written(frame, workspace.of_as_of("scores", as_of)) as folder:
            found = pq.read_table(folder).sort_by("customer_id")
    if not found.num_rows:
        raise InputRefusedError("nobody is there to score", [too_early(workspace, as_of)])
    return Portfolio(scores_of(found, files), changes_of(found))


def scored_elsewhere(
    workspace: Workspace, model: str | None, as_of: str | None, tell: Tell
) -> tuple[datetime, str, ScoreSums]:
    """Score everybody into `spark.output`; return where the scores are, and their sums."""
    tell("starting Spark", 0.0)
    with spark_tables(workspace) as tables:
        instant = (
            _as_of_of_tables(workspace, tables, as_of)
            if _has_own_events(workspace)
            else as_of_or_default(workspace, as_of)
        )
        tell("scoring", 0.1)
        files = _bundle_files(workspace, model)
        frame = score_frame(tables, files, instant_of(instant), with_changes=False)
        place = _place_of(workspace, "scores", instant)
        folder = local_path(place)
        if folder is None:
            write_elsewhere(frame, place)
        else:
            with written(frame, folder.parent) as made:
                publish_folder(made, folder, None)
        return instant, place, score_sums(tables, files, place)


def require_local(
    option: str,
    value: object,
    expected: str = "let spark.master and spark.conf say how much Spark may use",
) -> None:
    """Refuse an option of the local engine that Spark would not heed.

    Raises
    ------
    ConfigurationError
        If it was given.
    """
    if value is not None:
        mistake = Mistake(option, f"{value}, with --engine spark", expected)
        raise ConfigurationError(f"{option} is an option of --engine local", [mistake])


def _bundle_files(workspace: Workspace, model: str | None) -> BundleFiles:
    found = find_version(workspace.store, model)
    return BundleFiles.read(workspace.models / found.version, found.digest, found.version)


def _has_own_events(workspace: Workspace) -> bool:
    return workspace.configuration.spark.events is not None


def _as_of_of_tables(workspace: Workspace, tables: SparkTables, text: str | None) -> datetime:
    business = workspace.configuration.business
    return as_of_or_default(workspace, text, bounds_of_span(tables.span(), business))


def _place_of(workspace: Workspace, kind: str, as_of: datetime) -> str:
    output = workspace.configuration.spark.below(workspace.folder).output
    name = as_of_name(as_of)
    if output is not None:
        return f"{output.rstrip('/')}/{kind}/{name}"
    return str((workspace.state if kind == "snapshots" else workspace.folder) / kind / name)


def _require_log(tables: SparkTables) -> None:
    if tables.are_of_the_log:
        return
    expected = (
        "give a place for the scores of tables that are not the workspace's own; the report and "
        "the CSV are made of the workspace's log alone"
    )
    raise ConfigurationError(
        "the scores need a place", [Mistake("spark.output", "missing", expected)]
    )

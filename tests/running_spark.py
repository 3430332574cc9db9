"""A Spark of this process, for the tests that need one; without it they are skipped."""

import os
import shutil
import sys
from typing import Any

import pytest

from features.spark.rules import SparkRules

SMALL_BATCHES = SparkRules(
    conf={
        "spark.sql.execution.arrow.maxRecordsPerBatch": "64",
        "spark.sql.shuffle.partitions": "3",
    }
)
"""Few rows an Arrow batch, so that customers straddle several."""


def running_spark() -> Any:
    """Return the session, started for the first test that asks; skip where it cannot be."""
    sql = pytest.importorskip("pyspark.sql", reason="PySpark is not installed: `make spark`")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("there is no Java")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = sql.SparkSession.builder.master("local[2]").appName("tests")
    for key in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):
        builder = builder.config(key, "false")
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("FATAL")
    return session

"""The Spark session: found or started, set so that every instant is UTC, its failures told."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.mistakes import ConfigurationError, InputRefusedError, Mistake
from features.spark.rules import SparkRules

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PYSPARK = "pyspark>=4.3,<4.4"
REFUSED = "keepworth refuses"
BETWEEN = "\t"
"""Stands between this, a key, a value and what was expected in the text of an error."""
"""Begins what the engine raises inside Spark where a row breaks the contract."""
_OURS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.useLargeVarTypes": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
"""Without these, instants would depend on the machine, and texts would be of another type."""
_QUIET = {"spark.ui.showConsoleProgress": "false", "spark.ui.enabled": "false"}
"""Of a session that is started here alone: no second progress bar, no port opened."""
_TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(\S.*)")


class SparkFailedError(RuntimeError):
    """Say in one line why Spark could not finish."""


@contextmanager
def spark_session(rules: SparkRules) -> Iterator["SparkSession"]:
    """Yield the session of this process, or one that is started here and stopped afterwards.

    Raises
    ------
    ConfigurationError
        If PySpark or Java is missing, or Spark does not start with these settings.
    SparkFailedError
        If a job fails.
    InputRefusedError
        If a row breaks the contract.
    """
    found = _spark_sessions().getActiveSession()
    session = found or _started(rules)
    try:
        with settings(session, rules.conf | _OURS), _failures_told():
            yield session
    finally:
        if found is None:
            session.stop()


def _spark_sessions() -> Any:
    """Return PySpark's class of sessions; untyped, as PySpark is optional."""
    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError as error:
        expected = f"run `make spark` in the checkout: it installs {PYSPARK} beside keepworth"
        mistake = Mistake("--engine", "spark, without PySpark", expected)
        raise ConfigurationError("Spark is not installed", [mistake]) from error
    return SparkSession


def _started(rules: SparkRules) -> "SparkSession":
    is_submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    if not is_submitted:
        _require_java()
        # Spark would start the first python3 of the path, which need not know keepworth.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = _spark_sessions().builder.appName("keepworth")
    wanted = (
        ({} if is_submitted else _QUIET)
        | rules.conf
        | ({"spark.master": rules.master} if rules.master else {})
    )
    for key, value in wanted.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:
        mistake = Mistake(
            "spark", f"{wanted}", f"expected settings it starts with: {_cause(error)}"
        )
        raise ConfigurationError("Spark does not start", [mistake]) from error
    if not session.sparkContext.getConf().contains("spark.log.level"):
        # A failure is told once, in a line; by default each task adds its Java stack.
        session.sparkContext.setLogLevel("FATAL")
    return session


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else shutil.which("java")
    if java is None or not Path(java).exists():
        expected = "install Java 17 or later, or let JAVA_HOME name it"
        mistake = Mistake("--engine", "spark, without Java", expected)
        raise ConfigurationError("Spark needs Java", [mistake])


@contextmanager
def settings(session: "SparkSession", wanted: Mapping[str, str]) -> Iterator[None]:
    """Set what can still be set in a running session, and set it back afterwards."""
    before: dict[str, str | None] = {}
    try:
        for key, value in wanted.items():
            found = session.conf.get(key, None)
            if _is_set(session, key, value):
                before[key] = found
        yield
    finally:
        for key, earlier in before.items():
            _set_back(session, key, earlier)


def _is_set(session: "SparkSession", key: str, value: str) -> bool:
    """Set it, and say so; what belongs to the machines was settled when the session began."""
    from pyspark.errors import PySparkException

    try:
        session.conf.set(key, value)
    except PySparkException:
        return False
    return True


def _set_back(session: "SparkSession", key: str, value: str | None) -> None:
    if value is None:
        session.conf.unset(key)
    else:
        session.conf.set(key, value)


@contextmanager
def _failures_told() -> Iterator[None]:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        cause = _cause(error)
        if REFUSED in cause:
            _, key, value, expected, *_ = cause[cause.index(REFUSED) :].split(BETWEEN)
            summary = "a table that [spark] names breaks the contract: mend its rows, or ingest it"
            raise InputRefusedError(summary, [Mistake(key, value, expected)]) from error
        raise SparkFailedError(f"Spark could not finish: {cause}") from error


def _cause(error: Exception) -> str:
    """Return the line that says why: of the innermost Java exception, or of Python's traceback."""
    text = str(error)
    java = getattr(error, "java_exception", None)
    while java is not None:
        text, java = java.getMessage() or text, java.getCause()
    raised = _TRACEBACK.findall(text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return raised[-1] if raised else next(iter(lines), type(error).__name__)

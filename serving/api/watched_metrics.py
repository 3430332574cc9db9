"""Gauges of what serves, from the newest monitoring: the same for every worker and replica."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from serving.store.database import LiveStore
from serving.store.watching import find_findings

WATCHED = {
    "keepworth_monitored_timestamp_seconds": "When the newest monitoring was made.",
    "keepworth_newest_event_timestamp_seconds": "When the newest event of the log occurred.",
    "keepworth_trained_until_timestamp_seconds": "Until when the monitored version saw data.",
    "keepworth_drift_alarms": "Signals that drifted beyond chance.",
    "keepworth_drift_equity_share": "Largest share of customer equity that a drifted signal moves.",
    "keepworth_data_faults": "Gates on the newest month of data that are closed.",
    "keepworth_realised_exits_ratio": "Exits expected over exits that came, since training.",
    "keepworth_realised_log_loss": "Log-loss of churn since training.",
    "keepworth_realised_value_ratio": "Value predicted over value realised, since training.",
    "keepworth_realised_coverage": "Share of 80% intervals that held the realised value.",
}
"""The names of the gauges, and what each is."""


def watched_exposition(store: LiveStore) -> bytes:
    """Return the gauges in Prometheus's text format; none before the first monitoring.

    A store that is away leaves them out: counting calls goes on.
    """
    registry = CollectorRegistry()
    try:
        findings = find_findings(store)
    except SQLAlchemyError:
        findings = None
    if findings is not None:
        for name, value in _gauges(findings):
            gauge = Gauge(name, WATCHED[name], ("version",), registry=registry)
            gauge.labels(findings["model_version"]).set(value)
    return generate_latest(registry)


def _gauges(findings: dict[str, Any]) -> Iterator[tuple[str, float]]:
    yield "keepworth_monitored_timestamp_seconds", _seconds(findings["at"])
    newest = findings["freshness"]["newest_event"]
    yield "keepworth_newest_event_timestamp_seconds", _seconds(newest)
    yield "keepworth_trained_until_timestamp_seconds", _seconds(findings["trained_until"])
    yield "keepworth_data_faults", sum(not gate["passed"] for gate in findings["data_gates"])
    if drift := findings["drift"]:
        yield "keepworth_drift_alarms", drift["n_alarms"]
        yield "keepworth_drift_equity_share", drift["equity_moved"]
    for realised in findings["realised"][:1]:
        if realised["exits_came"]:
            ratio = realised["exits_predicted"] / realised["exits_came"]
            yield "keepworth_realised_exits_ratio", ratio
        yield from _figures(realised["metrics"])


def _figures(metrics: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    wanted = {
        ("churn", "log_loss"): "keepworth_realised_log_loss",
        ("value", "predicted_actual"): "keepworth_realised_value_ratio",
        ("interval", "coverage"): "keepworth_realised_coverage",
    }
    means = [row for row in metrics if row.get("statistic", "mean") == "mean"]
    for (task, name), gauge in wanted.items():
        value = next((row[name] for row in means if row["task"] == task), None)
        if value is not None:
            yield gauge, float(value)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()

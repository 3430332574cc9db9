"""The words of one business, as known at an instant: metrics, severities, levels, allowances."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from features.catalogue import Vocabulary
from features.contract import CUSTOMER_COLUMNS
from features.ingest.quoting import identifier
from features.instants import instant_of
from features.log import Log, Table
from features.mistakes import ConfigurationError, Mistake
from features.population import plans_in_force
from features.profiles import is_number, texts_of
from features.rules import CustomerRules

MOST_METRICS = 12
MOST_LEVELS = 20
MOST_SEVERITIES = 4
FEWEST_OF_LEVEL = 20
"""A level fewer customers have is no feature: it would point at people."""
FEWEST_OF_SEVERITY = 20
"""A severity that fewer requests bear says too little for signals of its own."""
_IS_VISIBLE = "occurred_at < make_timestamptz($before) AND recorded_at < make_timestamptz($before)"
_NOTHING = pa.table({"label": pa.array([], pa.string()), "n": pa.array([], pa.int64())})


def vocabulary_of(
    log: Log, rules: CustomerRules, attributes: Sequence[str], visible_before: datetime
) -> Vocabulary:
    """Return the most frequent metrics and severities, and the levels of declared attributes.

    Each is counted in the files themselves; no row of the log is held.

    Raises
    ------
    ConfigurationError
        If an attribute is no column of the customers.
    """
    in_force = plans_in_force(log.read_plans(), instant_of(visible_before))
    return Vocabulary(
        metrics=_frequent_labels(log, "usage", visible_before, MOST_METRICS, fewest=1),
        levels=_levels(log, attributes, visible_before),
        severities=_frequent_labels(
            log, "support", visible_before, MOST_SEVERITIES, FEWEST_OF_SEVERITY
        ),
        extra_revenue=rules.extra_revenue,
        has_allowances=any(plan["allowance"] is not None for plan in in_force.values()),
    )


def require_columns(attributes: Sequence[str], present: Sequence[str]) -> None:
    """Raise ConfigurationError if attributes are not among the columns of the customers."""
    found = [name for name in present if name not in CUSTOMER_COLUMNS]
    expected = (
        f"expected columns that a source of customers selects; it selects {', '.join(found)}"
        if found
        else 'select it in a source with into = "customers"'
    )
    mistakes = [
        Mistake("features.attributes", repr(name), expected)
        for name in attributes
        if name not in present
    ]
    if mistakes:
        raise ConfigurationError("some attributes are not in the data", mistakes)


def most_frequent(counts: Mapping[str, int], most: int, fewest: int) -> tuple[str, ...]:
    """Return the most frequent words, by the alphabet: their order must not follow fashion.

    Names of signals that clash are told apart by it.
    """
    enough = [word for word, n in counts.items() if n >= fewest]
    return tuple(sorted(sorted(enough, key=lambda word: (-counts[word], word))[:most]))


def _frequent_labels(
    log: Log, kind: str, visible_before: datetime, most: int, fewest: int
) -> tuple[str, ...]:
    query = (
        "SELECT label, count(*) AS n FROM read_parquet($files) "
        f"WHERE kind = $kind AND label IS NOT NULL AND {_IS_VISIBLE} "
        "GROUP BY label HAVING n >= $fewest ORDER BY n DESC, label LIMIT $most"
    )
    values = {"kind": kind, "before": instant_of(visible_before), "fewest": fewest, "most": most}
    return tuple(sorted(_queried(log, "events", query, values).column("label").to_pylist()))


def _levels(
    log: Log, attributes: Sequence[str], visible_before: datetime
) -> dict[str, tuple[str, ...] | None]:
    customers = log.read_customers([])
    require_columns(attributes, customers.column_names)
    is_text = {name: not is_number(customers.column(name).type) for name in attributes}
    counts = _level_counts(log, [name for name in attributes if is_text[name]], visible_before)
    return {
        name: most_frequent(counts[name], MOST_LEVELS, FEWEST_OF_LEVEL) if is_text[name] else None
        for name in attributes
    }


def _level_counts(
    log: Log, attributes: Sequence[str], visible_before: datetime
) -> dict[str, dict[str, int]]:
    """Count the levels of customers known by then, by the rule of `Profiles.known_at`."""
    if not attributes or not log.n_events:
        return {name: {} for name in attributes}
    quoted = [identifier(name) for name in attributes]
    query = f"""
        WITH undated AS (
            SELECT customer_id FROM read_parquet($files) WHERE acquired_at IS NULL
        ), seen AS (
            SELECT DISTINCT customer_id FROM read_parquet($events)
            WHERE {_IS_VISIBLE} AND customer_id IN (FROM undated)
        )
        SELECT {", ".join(quoted)}, count(*) FROM read_parquet($files)
        WHERE acquired_at < make_timestamptz($before) OR customer_id IN (FROM seen)
        GROUP BY GROUPING SETS ({", ".join(f"({name})" for name in quoted)})
        HAVING count(*) >= $fewest"""
    values = {"before": instant_of(visible_before), "fewest": FEWEST_OF_LEVEL}
    files = {"files": _paths(log, "customers"), "events": _paths(log, "events")}
    *levels, counted = log.query(query, values | files).columns
    # A row of one grouping set is null in the columns of all others.
    return {
        name: {
            level: n
            for level, n in zip(texts_of(of_attribute), counted.to_pylist(), strict=True)
            if level is not None
        }
        for name, of_attribute in zip(attributes, levels, strict=True)
    }


def _queried(log: Log, table: Table, query: str, values: dict[str, Any]) -> pa.Table:
    files = _paths(log, table)
    return log.query(query, {"files": files} | values) if files else _NOTHING


def _paths(log: Log, table: Table) -> list[str]:
    return [str(path) for path in log.files(table)]

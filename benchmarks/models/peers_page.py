"""The page's sections on the public data sets: the prototype's figures, and every peer."""

from collections.abc import Iterator
from statistics import mean

from benchmarks.features.tables import table
from benchmarks.models.data_sets import FRESH, DataSet, Target
from benchmarks.models.judging import ALL_CUTOFFS, LOSSES, OWN, Json
from serving.report.sections.naive import model_name

_LOW_IS_GOOD = ("log_loss", "rmse", "wape", "decile_error")
_MEASURES = {
    "log_loss": "log-loss",
    "rmse": "RMSE",
    "wape": "WAPE",
    "normalised_gini": "normalised Gini (higher)",
    "predicted_actual": "predicted/actual",
    "decile_error": "decile error",
}
_TARGET_HEAD = (
    "measure",
    "ours",
    "prototype",
    "ours / prototype",
    "best peer here",
    "its best peer",
    "naive here",
    "its naive",
)
_CALIBRATION_HEAD = (
    "from",
    "months",
    "AUC",
    "gone: predicted/actual",
    "calibration error",
    "value: predicted/actual",
    "Gini",
    "coverage",
    "of those gone",
    "worst tenth",
)
_LOG_LOSS = next(iter(LOSSES))


def worse_section(parts: Json) -> Iterator[str]:
    """Yield where a peer is significantly better, of how many comparisons."""
    yield "## Where a peer is significantly better"
    yield ""
    counts, rows = [], []
    for name, part in parts.items():
        for reading in part["readings"]:
            if "missing" in reading:
                continue
            compared = _by_window(reading)
            better = sum(row["high"] < 0 for row in compared)
            worse = [row for row in compared if row["low"] > 0]
            total = len(compared)
            undecided = total - better - len(worse)
            counts.append([name, reading["kind"], total, better, undecided, len(worse)])
            for row in worse:
                window = [name, reading["kind"], row["cutoff"], row["months"]]
                rows.append([*window, row["loss"], model_name(row["model"]), _percent(row)])
    yield "Comparisons with a peer or a naive formula at one cutoff, horizon and loss."
    yield "Chance alone puts one in forty on either side; those of one cutoff hang together."
    yield ""
    head = ["data", "cutoffs", "comparisons", "we are better", "undecided", "the other is better"]
    yield from table(head, counts)
    yield ""
    if rows:
        yield "Every place where the other is better:"
        yield ""
        head = ["data", "cutoffs", "from", "months", "loss", "model", "we lose more by"]
        yield from table(head, rows)
    yield ""


def data_set_section(data: DataSet, part: Json) -> Iterator[str]:
    """Yield all tables of one data set."""
    yield f"## {data.name}"
    yield ""
    readings = part["readings"]
    missing = [reading["missing"] for reading in readings if "missing" in reading]
    if missing:
        yield f"{missing[0]}."
        return
    if data.note:
        yield data.note
        yield ""
    yield f"Looked at while models were chosen: {data.looked_at}."
    yield ""
    figures = [row for reading in readings for row in reading["figures"]]
    yield from table(
        _TARGET_HEAD,
        [_target_row(target, figures) for target in data.targets],
    )
    for reading in readings:
        yield ""
        yield f"**{reading['kind'].capitalize()} cutoffs: log-loss of P(gone)**, beside each model."
        yield ""
        yield from _loss_table(reading, _LOG_LOSS, "log_loss", None)
        for loss, measure, statistic in (
            ("squared error of the mean", "rmse", "mean"),
            ("absolute error of the median", "wape", "median"),
        ):
            if any(row["loss"] == loss for row in reading["differences"]):
                yield ""
                yield f"**{reading['kind'].capitalize()} cutoffs: {loss}**; ours as {measure}."
                yield ""
                yield from _loss_table(reading, loss, measure, statistic)
        yield ""
        yield from _calibration(reading)
        yield from (f"- {warning}" for warning in reading["warnings"])
    if all(reading["kind"] != FRESH for reading in readings):
        yield "Fresh cutoffs were not measured yet."


def _target_row(target: Target, figures: list[Json]) -> list[str]:
    rows = [row for row in figures if _is_meant(row, target)]
    by_model: dict[str, list[float]] = {}
    for row in rows:
        if row[target.measure] is not None:
            by_model.setdefault(row["model"], []).append(row[target.measure])
    means = {name: mean(values) for name, values in by_model.items()}
    own = means.pop(OWN, None)
    naive = {name: value for name, value in means.items() if name.startswith("naive_")}
    peers = {name: value for name, value in means.items() if name not in naive}
    statistic = " of the median" if target.statistic == "median" else ""
    name = f"{_MEASURES[target.measure]}{statistic}, {target.months} months"
    return [
        name,
        "not published" if own is None else _number(own),
        _number(target.prototype),
        _ratio(own, target),
        _best(peers, target),
        "" if target.best_peer is None else f"{target.best_peer[0]} {_number(target.best_peer[1])}",
        _best(naive, target),
        "" if target.naive is None else _number(target.naive),
    ]


def _ratio(own: float | None, target: Target) -> str:
    if own is None:
        return ""
    return f"{own / target.prototype:.3f}" if target.is_same_value else "of another value"


def _is_meant(row: Json, target: Target) -> bool:
    task = "churn" if target.measure == "log_loss" else "value"
    return (
        row["task"] == task
        and row["months"] == target.months
        and row["cutoff"] in target.cutoffs
        and row.get("statistic", target.statistic) == target.statistic
    )


def _best(means: dict[str, float], target: Target) -> str:
    if not means:
        return ""
    name = min(means, key=lambda model: _cost(means[model], target.measure))
    return f"{model_name(name)} {_number(means[name])}"


def _cost(value: float, measure: str) -> float:
    if measure == "predicted_actual":
        return abs(value - 1)
    return value if measure in _LOW_IS_GOOD else -value


def _loss_table(reading: Json, loss: str, measure: str, statistic: str | None) -> Iterator[str]:
    """Yield a row a window: customers, our figure, and the difference to each model."""
    compared = [row for row in reading["differences"] if row["loss"] == loss]
    models = list(dict.fromkeys(row["model"] for row in compared))
    own = {
        (row["cutoff"], row["months"]): row
        for row in reading["figures"]
        if row["model"] == OWN and measure in row and row.get("statistic") == statistic
    }
    people = {
        (row["cutoff"], row["months"]): f"{row['n_outcomes']:,} of {row['n_customers']:,}"
        for row in reading["figures"]
        if row["model"] == OWN and row["task"] == "churn"
    }
    windows = dict.fromkeys((row["cutoff"], row["months"]) for row in compared)
    rows = []
    for window in windows:
        found = {
            row["model"]: _percent(row)
            for row in compared
            if (row["cutoff"], row["months"]) == window
        }
        ours = _number(own[window][measure]) if window in own else ""
        cells = [found.get(model, "") for model in models]
        rows.append([*window, people.get(window, ""), ours, *cells])
    head = ["from", "months", "gone", "ours", *(model_name(model) for model in models)]
    yield from table(head, rows)


def _calibration(reading: Json) -> Iterator[str]:
    """Yield our AUC, calibration and coverage, window by window."""
    by_task: dict[str, dict[tuple[str, int], Json]] = {"churn": {}, "value": {}, "interval": {}}
    for row in reading["figures"]:
        if row["model"] == OWN and row.get("statistic", "mean") == "mean":
            by_task[row["task"]][row["cutoff"], row["months"]] = row
    rows = []
    for window, churn in by_task["churn"].items():
        value, held = by_task["value"].get(window, {}), by_task["interval"].get(window, {})
        tenths = [share for share in held.get("coverage_by_tenth", []) if share is not None]
        rows.append(
            [
                *window,
                *(_number(churn[name]) for name in ("auc", "predicted_actual")),
                _number(churn["calibration_error"]),
                *(_number(value.get(n)) for n in ("predicted_actual", "normalised_gini")),
                *(_number(held.get(n)) for n in ("coverage", "coverage_left")),
                _number(min(tenths, default=None)),
            ]
        )
    yield "Ours alone; coverage is that of 80% intervals of margin. Over few months it is"
    yield "higher where one value, that of staying as booked, has more than 80% of the chance:"
    yield ""
    yield from table(
        _CALIBRATION_HEAD,
        rows,
    )
    yield ""


def _by_window(reading: Json) -> list[Json]:
    return [row for row in reading["differences"] if row["cutoff"] != ALL_CUTOFFS]


def _percent(row: Json) -> str:
    if row["low"] == row["high"] == 0:
        return "equal"
    text = f"{row['share']:+.1f}% [{row['low']:+.1f}, {row['high']:+.1f}]"
    return f"**{text}**" if row["low"] > 0 or row["high"] < 0 else text


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}"

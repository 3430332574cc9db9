"""What the forecasts were worth when the future was known: keepworth beside other answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from serving.report.charts.ratios import RatioRow, draw_ratios, mark
from serving.report.charts.svg import at_both_widths, element
from serving.report.portfolio import Portfolio
from serving.report.sections.naive import model_name, naive_table
from serving.report.sections.section import Cell, LegendEntry, Section, Table
from serving.report.wording import UNKNOWN, count_of, day, number, percent, strong
from training.backtest_plan import PRODUCT

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Metric:
    """Hold a metric's key, heading, decimals, and how far a value is from the best one."""

    key: str
    heading: str
    decimals: int
    distance: Callable[[float], float]


def _least(value: float) -> float:
    return value


def _most(value: float) -> float:
    return -value


def _nearest_one(value: float) -> float:
    return abs(value - 1)


_RATIO = Metric("predicted_actual", "Predicted / actual", 2, _nearest_one)
_CHURN = (
    Metric("log_loss", "Log-loss", 4, _least),
    Metric("brier", "Brier", 4, _least),
    Metric("auc", "AUC", 3, _most),
    _RATIO,
)
_VALUE = (
    Metric("rmse", "RMSE", 2, _least),
    Metric("wape", "WAPE", 3, _least),
    Metric("normalised_gini", "Normalised Gini", 3, _most),
    Metric("decile_error", "Decile error", 3, _least),
    _RATIO,
)


def backtest_section(rows: Sequence[Row] | None, portfolio: Portfolio) -> Section:
    """Return the section; without a backtest it says how to run one."""
    tables = [naive_table(portfolio)] if portfolio.n_active else []
    heading = "How far to trust this: the backtest"
    if not rows:
        sentence = (
            "No backtest has been run: keepworth backtest runs one and the next score shows it."
        )
        return Section("backtest", heading, sentence, tables=[t for t in tables if t])
    longest = max(int(row["months"]) for row in rows)
    shown = [row for row in rows if int(row["months"]) == longest]
    shorter = [row for row in rows if int(row["months"]) != longest]
    drawn = [row for row in rows if _is_drawn(row)]
    return Section(
        key="backtest",
        heading=heading,
        finding=_finding([row for row in shown if _is_drawn(row)]),
        charts=[_chart(drawn)] if _ratio_rows(drawn) else [],
        legend=_legend(drawn),
        tables=[*_tables(shown), *(table for table in tables if table)],
        notes=[_NOTE],
        folded=_tables(shorter) if shorter else (),
        folded_summary="The backtest at shorter horizons",
    )


def _is_drawn(row: Row) -> bool:
    """Tell the product and the formulas people use from peers, which stand in the tables alone."""
    return row["model"] == PRODUCT or str(row["model"]).startswith("naive_")


_NOTE = (
    "At each cutoff the model was trained on what was known before it, then compared with what "
    "came. The best of each column is in bold; all others are given the same horizon and "
    "margin. Log-loss, Brier, RMSE, WAPE and decile error: the lower, the better; AUC and "
    "normalised Gini: the higher; predicted / actual: the nearer to 1."
)


def _tables(rows: Sequence[Row]) -> list[Table]:
    churn = [row for row in rows if row["task"] == "churn"]
    value = list(_value_rows(rows))
    tables = []
    if churn:
        tables.append(_table("Who left: forecast against what came", churn, _CHURN))
    if value:
        tables.append(_table("What they brought: forecast against what came", value, _VALUE))
    return tables


def _value_rows(rows: Sequence[Row]) -> Iterator[Row]:
    """Keep means, and the product's own median; a formula has but one answer."""
    for row in rows:
        if row["task"] == "value" and (row["statistic"] == "mean" or row["model"] == PRODUCT):
            yield row


def _table(caption: str, rows: Sequence[Row], metrics: Sequence[Metric]) -> Table:
    columns = ("Model", *(metric.heading for metric in metrics))
    groups = [
        (_when(members[0]), [list(_cells(row, members, metrics)) for row in members])
        for members in _by_window(rows)
    ]
    return Table(caption, columns, groups)


def _by_window(rows: Sequence[Row]) -> list[list[Row]]:
    """Group rows by cutoff and horizon: the longest horizon and the newest cutoff first."""
    windows: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        windows.setdefault((int(row["months"]), str(row["cutoff"])), []).append(row)
    return [
        sorted(windows[key], key=lambda row: row["model"] != PRODUCT)
        for key in sorted(windows, reverse=True)
    ]


def _cells(row: Row, members: Sequence[Row], metrics: Sequence[Metric]) -> Iterator[Cell]:
    is_median = row.get("statistic") == "median"
    yield Cell(model_name(row["model"]) + (", median" if is_median else ""))
    for metric in metrics:
        said = _said(row, metric)
        yield Cell(said, is_best=said != UNKNOWN and said == _best(members, metric))


def _best(members: Sequence[Row], metric: Metric) -> str:
    """Return the best figure as it is said; a dash where the figures do not differ."""
    known = [row for row in members if _known(row, metric.key) is not None]
    if len({_said(row, metric) for row in known}) < 2:
        return UNKNOWN
    return _said(min(known, key=lambda row: metric.distance(float(row[metric.key]))), metric)


def _said(row: Row, metric: Metric) -> str:
    value = _known(row, metric.key)
    return UNKNOWN if value is None else number(value, metric.decimals)


def _known(row: Row, key: str) -> float | None:
    value = row.get(key)
    return None if value is None or value != value else float(value)  # noqa: PLR0124 (NaN)


def _when(row: Row) -> str:
    return f"{count_of(int(row['months']), 'month')} from {_cutoff(row)}"


def _cutoff(row: Row) -> str:
    return day(datetime.fromisoformat(str(row["cutoff"])))


def _finding(rows: Sequence[Row]) -> Markup:
    value = [row for row in rows if row["task"] == "value" and row["statistic"] == "mean"]
    windows = _by_window(value)
    if not windows or windows[0][0]["model"] != PRODUCT:
        return Markup("The backtest holds no forecast of value by keepworth.")
    own, *others = windows[0]
    sentence = Markup("Over {} keepworth\N{RIGHT SINGLE QUOTATION MARK}s total {}").format(
        _when(own), _against_actual(own)
    )
    for other in others:
        sentence += Markup("; {} {}").format(model_name(other["model"]), _against_actual(other))
    return sentence + Markup(".")


def _against_actual(row: Row) -> Markup:
    ratio = _known(row, "predicted_actual")
    if ratio is None:
        return Markup("cannot be compared: nothing came")
    if ratio < 0:
        return Markup("had the opposite sign of what came")
    apart = abs(ratio - 1)
    if apart < 0.0005:
        return Markup("was what came")
    way = "above" if ratio > 1 else "below"
    return Markup("was {} what came").format(strong(f"{percent(apart)} {way}"))


def _models(rows: Sequence[Row]) -> list[str]:
    names = dict.fromkeys(str(row["model"]) for row in rows if row["task"] == "value")
    return [model_name(name) for name in sorted(names, key=lambda name: name != PRODUCT)]


def _ratio_rows(rows: Sequence[Row]) -> list[RatioRow]:
    value = [row for row in rows if row["task"] == "value" and row["statistic"] == "mean"]
    ratios = [
        RatioRow(
            _when(members[0]),
            {
                model_name(row["model"]): ratio
                for row in members
                if (ratio := _known(row, "predicted_actual")) is not None
            },
        )
        for members in _by_window(value)
    ]
    return [row for row in ratios if row.ratios]


def _chart(rows: Sequence[Row]) -> Markup:
    title = "Predicted over actual total value"
    return at_both_widths(
        lambda width, suffix: draw_ratios(
            f"backtest-{suffix}", title, _ratio_rows(rows), _models(rows), width
        )
    )


def _legend(rows: Sequence[Row]) -> list[LegendEntry]:
    return [
        LegendEntry(name, swatch=_swatch(index, name)) for index, name in enumerate(_models(rows))
    ]


def _swatch(index: int, name: str) -> Markup:
    attributes = {"viewBox": "0 0 16 16", "aria-hidden": "true"}
    return element("svg", mark(index, 8, 8, name), class_="swatch", **attributes)

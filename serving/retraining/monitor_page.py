"""The report of `keepworth monitor`: drift, what came of forecasts, how fresh the data is."""

from collections.abc import Iterator, Mapping
from typing import Any

from serving.report.page import rendered
from serving.report.sections.section import Section, Table, plain_table
from serving.report.wording import UNKNOWN, count_of, day, number, percent
from serving.retraining.watching import Watched
from training.drift import Drift
from training.realised import Realised

_MOST_ROWS = 25
_DRIFT_NOTE = (
    "A signal is called drifted where chance alone, in today's customers and in those of training, "
    "would hardly do it; the rate of false alarms holds for all signals together. Its money is the "
    "share of customer equity that goes or comes if customers are weighted back to how the signal "
    "was distributed. Customers who are in both samples make the test slower to alarm, not quicker."
)


def monitor_page(watched: Watched, title: str) -> str:
    """Return the page."""
    sections = [_realised_section(watched), _drift_section(watched.drift), _data_section(watched)]
    return rendered(
        "page.html.j2",
        title=title,
        as_of=day(watched.as_of),
        heading=f"How model version {watched.version} is doing",
        lead=_lead(watched),
        sections=sections,
    )


def _lead(watched: Watched) -> str:
    n_alarms = len(watched.drift.alarms) if watched.drift else 0
    n_closed = sum(not gate.passed for gate in watched.data_gates)
    return (
        f"It was trained on what was known before {day(watched.trained_until)}. "
        f"{count_of(n_alarms, 'signal')} drifted since, and {count_of(n_closed, 'fault')} of the "
        f"newest data {'was' if n_closed == 1 else 'were'} found; the newest event is "
        f"{number(watched.age_days, 1)} days old."
    )


def _realised_section(watched: Watched) -> Section:
    if not watched.realised:
        finding = "No month is over since it was trained: nothing came of its forecasts yet."
        return Section("realised", "What came of its forecasts", finding)
    first = watched.realised[0]
    finding = (
        f"Over {count_of(first.months, 'month')} from {day(watched.trained_until)}, "
        f"{number(first.predicted)} {watched.exits_in_words} were "
        f"expected and {number(first.came)} came."
    )
    table = plain_table(
        "Forecasts beside what came",
        (
            *("From", "Months", "Churn expected", "came", "p", "Log-loss"),
            *("Value predicted / actual", "80% intervals held"),
        ),
        [list(_realised_row(each)) for each in watched.realised],
    )
    note = "Months that are not over count for nothing; who is still there may yet leave."
    return Section("realised", "What came of its forecasts", finding, tables=[table], notes=[note])


def _realised_row(realised: Realised) -> Iterator[str]:
    row = realised.as_row()
    yield str(row["cutoff"])[:10]
    yield str(realised.months)
    yield number(realised.predicted, 1)
    yield number(realised.came)
    yield number(realised.p_value, 3)
    yield _figure(row, "churn", "log_loss")
    yield _figure(row, "value", "predicted_actual")
    yield _figure(row, "interval", "coverage")


def _figure(row: Mapping[str, Any], task: str, name: str) -> str:
    found = (
        each[name]
        for each in row["metrics"]
        if each["task"] == task and each.get("statistic", "mean") == "mean"
    )
    value = next(found, None)
    return UNKNOWN if value is None else number(value, 3)


def _drift_section(drift: Drift | None) -> Section:
    heading = "Drift"
    if drift is None:
        finding = "The version was made before references were kept: nothing can be compared."
        return Section("drift", heading, finding)
    finding = (
        f"{len(drift.alarms)} of {count_of(drift.n_signals, 'signal')} drifted beyond chance, "
        f"{number(drift.n_now)} customers beside {number(drift.n_reference)} of training."
    )
    noise = f"A share near one half is known to {percent(2 * drift.noise)} (two standard errors)."
    return Section(
        "drift", heading, finding, tables=[_drift_table(drift)], notes=[_DRIFT_NOTE, noise]
    )


def _drift_table(drift: Drift) -> Table:
    rows = [
        [
            each.name,
            "drifted" if each.is_alarm else UNKNOWN,
            f"{each.p_value:.2g}",
            percent(each.equity_share),
            number(each.psi, 3),
        ]
        for each in drift.signals[:_MOST_ROWS]
    ]
    columns = ("Signal", "Beyond chance", "p", "Share of customer equity", "PSI")
    return plain_table("Signals, the least likely first", columns, rows)


def _data_section(watched: Watched) -> Section:
    rows = [
        [gate.name, "sound" if gate.passed else "fault", gate.found, gate.way_out or UNKNOWN]
        for gate in watched.data_gates
    ]
    table = plain_table("The newest month of data", ("Look at", "", "Found", "What to do"), rows)
    finding = (
        f"The newest event is {number(watched.age_days, 1)} days old; "
        f"{count_of(watched.waiting_events, 'posted event')} wait for a drain."
    )
    return Section("data", "The data", finding, tables=[table])

"""The page's sections on noise, on the simulated operator and on the time that training takes."""

from collections.abc import Iterator
from statistics import mean

from benchmarks.features.tables import table
from benchmarks.models.judging import OWN, Json

_NOISE_HEAD = (
    "business",
    "from",
    "months",
    "gone",
    "AUC",
    "gone: predicted/actual",
    "value: predicted/actual",
    "coverage",
    "worst tenth",
    "log-loss beside Kaplan-Meier",
)
_MONTHS_HEAD = (
    "seed",
    "months",
    "survival",
    "true",
    "mean error",
    "correlation",
    "margin: said/true",
    "mean error, EUR",
    "correlation",
)
_EQUITY_HEAD = (
    "seed",
    "equity: said/true",
    "mean error of CLV, EUR",
    "correlation",
    "coverage",
    "worst tenth",
    "of those who left",
    "equity held",
)
_SCALE_HEAD = (
    "customers",
    "signals",
    "landmark rows",
    "person-periods",
    "exits",
    "wall s",
    "CPU s",
    "of it sampling",
    "person-periods kept",
    "peak GB",
)
_EFFECTS = {
    "change": "CLV, EUR",
    "time": "by the time they stay, EUR",
    "value": "by the value of a month, EUR",
    "churn_3m": "leaving within 3 months",
}


def noise_section(readings: list[Json]) -> Iterator[str]:
    """Yield what was said where signals say nothing."""
    yield "## Where there is no signal"
    yield ""
    yield "*Made up*: 3,000 customers whose moment of leaving is drawn apart from all their events."
    yield "*Policies exchanged*: uslapseagent, where premiums and attributes were exchanged among"
    yield "policies issued in the same month; AUC counts pairs within that month alone, because"
    yield "tenure still tells. z is the distance from .5 in standard errors under no signal."
    yield ""
    rows = []
    for reading in readings:
        if "missing" in reading:
            rows.append([reading["business"], reading["missing"], *[""] * 8])
            continue
        own = [row for row in reading["figures"] if row["model"] == OWN]
        for window in reading["auc_within"]:
            here = [r for r in own if all(r[k] == window[k] for k in ("cutoff", "months"))]
            churn = next(row for row in here if row["task"] == "churn")
            value = next(row for row in here if row.get("statistic") == "mean")
            held: Json = next((row for row in here if row["task"] == "interval"), {})
            tenths = [share for share in held.get("coverage_by_tenth", []) if share is not None]
            rows.append(
                [
                    f"{reading['business']}, seed {reading['seed']}",
                    window["cutoff"],
                    window["months"],
                    f"{churn['n_outcomes']:,} of {churn['n_customers']:,}",
                    f"{window['auc']:.3f} (z {window['standard_errors']:+.1f})",
                    f"{churn['predicted_actual']:.3f}",
                    f"{value['predicted_actual']:.3f}",
                    f"{held['coverage']:.3f}" if held else "",
                    f"{min(tenths):.3f}" if tenths else "",
                    _beside(reading, window),
                ]
            )
    yield from table(
        _NOISE_HEAD,
        rows,
    )
    scores = [w["standard_errors"] for r in readings for w in r.get("auc_within", [])]
    if scores:
        beyond = sum(abs(score) > 1.96 for score in scores)
        yield ""
        yield f"{beyond} of {len(scores)} AUCs lie beyond 1.96 standard errors of .5."
        yield "Coverage is to be .8; 12 months lie beyond the 8 that intervals were calibrated on."
        yield "In 1 month nearly all stay and pay what is booked (95.7% of seed 1): that one value"
        yield "has more than .8 of the chance, and an interval that holds it holds them all."


def truth_section(readings: list[Json]) -> Iterator[str]:
    """Yield errors against the simulator's truth."""
    yield "## The simulated operator, whose truth is known"
    yield ""
    customers = ", ".join(f"{reading['summary']['customers']:,}" for reading in readings)
    seeds = ", ".join(str(reading["seed"]) for reading in readings)
    yield f"Operators of seeds {seeds}; {customers} customers at the end of three years."
    yield "Survival and cumulated expected margin by month, said against true:"
    yield ""
    rows = []
    for reading in readings:
        rows += [
            [
                reading["seed"],
                row["months"],
                f"{row['survival']:.3f}",
                f"{row['true_survival']:.3f}",
                f"{row['survival_error']:.3f}",
                f"{row['survival_correlation']:.2f}",
                f"{row['margin_ratio']:.3f}",
                f"{row['margin_error']:,.1f} of {row['true_mean_margin']:,.1f}",
                f"{row['margin_correlation']:.2f}",
            ]
            for row in reading["by_month"]
        ]
    yield from table(
        _MONTHS_HEAD,
        rows,
    )
    yield ""
    yield "CLV, and 80% intervals against five futures that everybody lived once:"
    yield ""
    yield from table(
        _EQUITY_HEAD,
        [_equity_row(reading) for reading in readings],
    )
    yield ""
    yield "One plan down at once, at the list price, as `/v1/what-if` says it and as it is, mean"
    yield "over 100 customers on dearer plans. A term that runs goes on in both. The answer is a"
    yield "forecast given the event, the truth the effect of causing it: people who move down"
    yield "are others than those who are moved, and in the simulator nobody does within a term."
    yield ""
    rows = []
    for reading in readings:
        found = reading["downgrade"]
        cells = [f"{found[f'said_{n}']:+.3g} / {found[f'true_{n}']:+.3g}" for n in _EFFECTS]
        error = f"{found['mean_error']:.1f} ({found['noise_of_truth']:.1f} is noise of the truth)"
        rows.append([reading["seed"], *cells, error, f"{found['correlation']:.2f}"])
    head = [f"{name}: said / true" for name in _EFFECTS.values()]
    yield from table(["seed", *head, "mean error of CLV's change, EUR", "correlation"], rows)


def scale_section(readings: list[Json]) -> Iterator[str]:
    """Yield what one fit takes."""
    yield "## Training at scale"
    yield ""
    yield "One fit of the hazard on made-up landmark rows (24 landmarks, 12 months ahead) that"
    yield "stream in, features excluded: sampling, early stopping, calibration, refit and the"
    yield "curve beside the trees. Peak is of the process. Target: 100,000 customers within 90 s"
    yield "and 3 GB on two cores; look at CPU seconds where the machine does other work."
    yield ""
    rows = []
    for row in readings:
        size = [f"{row['customers']:,}", row["signals"]]
        if "failed" in row:
            rows.append([*size, row["failed"], *[""] * 7])
            continue
        rows.append(
            [
                *size,
                f"{row['landmark_rows']:,}",
                f"{row['person_periods']:,}",
                f"{row['exits']:,}",
                f"{row['wall_seconds']:.0f}",
                f"{row['cpu_seconds']:.0f}",
                f"{row['cpu_seconds_sampling']:.0f}",
                f"{row['person_periods_kept']:,}",
                f"{row['peak_gb']:.2f}",
            ]
        )
    yield from table(
        _SCALE_HEAD,
        rows,
    )


def _beside(reading: Json, window: Json) -> str:
    for row in reading["differences"]:
        is_here = all(row[name] == window[name] for name in ("cutoff", "months"))
        if is_here and row["model"] == "kaplan_meier" and row["loss"].startswith("log-loss"):
            return f"{row['share']:+.1f}% [{row['low']:+.1f}, {row['high']:+.1f}]"
    return ""


def _equity_row(reading: Json) -> list[object]:
    summary, futures = reading["summary"], reading["coverage"]
    held = [row["equity_low"] <= row["realised_equity"] <= row["equity_high"] for row in futures]
    return [
        reading["seed"],
        f"{summary['equity'] / summary['true_equity']:.3f}",
        f"{summary['clv_error']:,.1f} of {summary['true_mean_clv']:,.1f}",
        f"{summary['clv_correlation']:.2f}",
        f"{mean(row['coverage'] for row in futures):.3f}",
        f"{mean(row['worst_tenth'] for row in futures):.3f}",
        f"{mean(row['coverage_left'] for row in futures):.3f}",
        f"{sum(held)} of {len(held)}",
    ]

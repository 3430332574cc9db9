"""The page of results: profit by policy and budget, with paired intervals over seeds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.campaigns.operators import (
    CONTACT_COST,
    DISTURBED_SHARE,
    DRAWS,
    MONTHS,
    N_CUSTOMERS,
    OFFER_COST,
    RESPONSES,
    SAVE_RATE,
    STAYER_ACCEPTANCE,
)
from benchmarks.campaigns.policies import POLICIES

Json = dict[str, Any]
RIVALS = ("highest churn first", "highest CLV first", "random")
OPENING = f"""\
# Benchmark of campaigns

Written by `make benchmark-campaigns`.

## Whom to contact

Simulated operators, {N_CUSTOMERS:,} customers in all over {MONTHS} months, one a seed. Each is
trained on with what is known at its end, and judged for one campaign: a contact costs
{CONTACT_COST:g} EUR, an accepted offer {OFFER_COST:g} EUR; of stayers {STAYER_ACCEPTANCE:.0%}
accept. How customers respond is drawn for each and known to nobody but the oracle: a would-be
leaver is *persuadable* with a chance of {SAVE_RATE:.0%} on average (Beta, concentration 2: most
are hardly ever, some nearly always), else *lost*; a stayer is *disturbed*, and leaves because of
the contact, with a chance of {DISTURBED_SHARE:.0%} on average, else *sure*. keepworth is told the
averages. Its audience is everybody; who leaves, and what they bring, it has from its model; the
truth has it from the simulator ({DRAWS} futures a customer). Nobody is disconnected: all exits are
voluntary.

Profit is the mean over what may happen to those contacted and over {RESPONSES} draws of how they
respond, in EUR, by truth. A budget pays for so
many contacts with their offers in full; policies of habit spend all of it, keepworth and the oracle
stop where nothing is to be won. Differences are paired by seed, with a 95% interval (Student's t).
"""


def results_page(results: Mapping[str, Json]) -> str:
    """Return the page."""
    return "\n".join(_lines(results)).rstrip() + "\n"


def _lines(results: Mapping[str, Json]) -> Iterator[str]:
    yield OPENING
    part = results["policies"]
    readings = part["readings"]
    at = part["at"]
    differing = ", with changes" if at["changed"] else ""
    yield (
        f"Measured on {at['date']} at commit {at['commit']}{differing}; {len(readings)} seeds, "
        f"{_seeds(readings)}."
    )
    yield ""
    yield from _table(readings)
    yield ""
    yield from _verdict(readings)


def _seeds(readings: Sequence[Json]) -> str:
    seeds = [reading["seed"] for reading in readings]
    return f"{min(seeds)} to {max(seeds)}"


def _table(readings: Sequence[Json]) -> Iterator[str]:
    budgets = list(readings[0]["profit"])
    yield "| policy | " + " | ".join(f"{share} of customers" for share in budgets) + " |"
    yield "|---" * (len(budgets) + 1) + "|"
    for policy in POLICIES:
        cells = [_cell(_profits(readings, share, policy)) for share in budgets]
        yield f"| {policy} | " + " | ".join(cells) + " |"
    for rival in RIVALS:
        cells = [_cell(_differences(readings, share, rival)) for share in budgets]
        yield f"| keepworth less {rival} | " + " | ".join(cells) + " |"
    shares = [f"{_share_of_oracle(readings, share):.0%}" for share in budgets]
    yield "| keepworth, share of the oracle | " + " | ".join(shares) + " |"


def _profits(readings: Sequence[Json], budget: str, policy: str) -> np.ndarray:
    return np.array([reading["profit"][budget][policy] for reading in readings])


def _differences(readings: Sequence[Json], budget: str, rival: str) -> np.ndarray:
    return _profits(readings, budget, "keepworth") - _profits(readings, budget, rival)


def _share_of_oracle(readings: Sequence[Json], budget: str) -> float:
    ours, best = (_profits(readings, budget, name).sum() for name in ("keepworth", "oracle"))
    return float(ours / best)


def _interval(values: np.ndarray) -> tuple[float, float]:
    if len(values) < 2:
        return float("-inf"), float("inf")
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def _cell(values: np.ndarray) -> str:
    low, high = _interval(values)
    return f"{values.mean():,.1f} ({low:,.1f} to {high:,.1f})"


def _verdict(readings: Sequence[Json]) -> Iterator[str]:
    pairs = [(budget, rival) for budget in readings[0]["profit"] for rival in RIVALS]
    worse = [
        f"{rival} at {budget}"
        for budget, rival in pairs
        if _interval(_differences(readings, budget, rival))[0] <= 0
    ]
    if worse:
        yield f"Not beaten with confidence: {'; '.join(worse)}."
    else:
        yield "keepworth beats the three policies of habit at every budget, each interval above 0."

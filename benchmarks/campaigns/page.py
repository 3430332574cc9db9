"""The page of results: profit by policy and budget, with paired intervals over seeds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.campaigns.operators import (
    ASSUMED,
    DRAWS,
    MONTHS,
    MONTHS_BEFORE,
    N_CUSTOMERS,
    TOLD,
    WINDOW_MONTHS,
)
from benchmarks.campaigns.policies import POLICIES
from benchmarks.campaigns.responses import CONTACT_COST, OFFER_COST

Json = dict[str, Any]
RIVALS = ("highest churn first", "highest CLV first", "random")
OPENING = f"""\
# Benchmark of campaigns

Written by `make benchmark-campaigns`.

## Whom to contact

Simulated operators, one a seed, {N_CUSTOMERS:,} customers in all over {MONTHS} months. Everybody is
of one of four types, by what is going on in their life as a customer and by chance:
*persuadable* (the offer lowers their odds of asking to leave, most at once and fading), *sure*
(stays anyway, and often takes the offer too), *lost* (nothing helps) and *disturbed* (hearing from
the operator raises the odds). Types are known to the simulator alone. A contact costs
{CONTACT_COST:g} EUR, an accepted offer {OFFER_COST:g} EUR.

keepworth is trained on what was known after {MONTHS_BEFORE} months. Then the operator contacts a
random half of its customers; {WINDOW_MONTHS} months of outcomes later it is decided whom to contact
now. All policies choose among the same customers, those who consent and have not given notice, and
go by scores of the same model. keepworth's campaign awaits effects within {WINDOW_MONTHS} months
and assumes a save rate of {ASSUMED["save_rate"]:.0%}, {ASSUMED["stayer_acceptance"]:.0%}
acceptance of stayers, {ASSUMED["disturbed_share"]:.0%} of stayers driven away: a guess, made before
any policy was judged, and wrong as guesses are. Beside it: the default window of 3 months; half and
double that save rate; the
true averages of other operators ({TOLD["averages"]["save_rate"]:.0%},
{TOLD["averages"]["stayer_acceptance"]:.0%}, {TOLD["averages"]["disturbed_share"]:.0%}), as if an
endless experiment had told them; and what `keepworth campaigns learn` made of the earlier contacts,
whose cost is not counted.

Profit is the true expected effect of contacts on CLV less what they cost, in EUR, from
{DRAWS} futures of every customer with a contact and without. A budget pays for so many contacts
with their offers in full; policies of habit spend all of it, keepworth and the oracle, which knows
everybody's type and state, stop where nothing is to be won. Differences are paired by seed, with a
95% interval (Student's t). Everything was chosen on seeds below 100.
"""


def results_page(readings: Sequence[Json]) -> str:
    """Return the page."""
    return "\n".join(_lines(sorted(readings, key=lambda each: each["seed"]))).rstrip() + "\n"


def _lines(readings: Sequence[Json]) -> Iterator[str]:
    yield OPENING
    first, last = readings[0]["seed"], readings[-1]["seed"]
    yield f"{len(readings)} seeds, {first} to {last}; {_when(readings)}."
    yield ""
    yield from _table(readings)
    yield ""
    yield from _verdict(readings)
    yield ""
    yield from _world(readings)


def _when(readings: Sequence[Json]) -> str:
    stamps = Counter(
        f"on {each['at']['date']} at commit {each['at']['commit']}"
        + (", with changes" if each["at"]["changed"] else "")
        for each in readings
    )
    if len(stamps) == 1:
        return f"measured {next(iter(stamps))}"
    return "measured " + "; ".join(f"{when} ({count} seeds)" for when, count in stamps.items())


def _world(readings: Sequence[Json]) -> Iterator[str]:
    """Say what was true of the customers, and what could be learned."""
    types = {
        name: np.mean([each["types"][name] for each in readings]) for name in readings[0]["types"]
    }
    true = {
        name: np.mean([each["true"][name] for each in readings]) for name in readings[0]["true"]
    }
    sources = Counter(each["learned"] for each in readings)
    said = ", ".join(f"{name} {share:.0%}" for name, share in types.items())
    counted = ", ".join(f"{name} {count}" for name, count in sources.items())
    customers = [each["customers"] for each in readings]
    yield (
        f"Customers to choose from: {min(customers):,} to {max(customers):,} a seed; {said}. "
        f"Were all contacted, {true['save_rate']:.0%} of those who would leave within "
        f"{WINDOW_MONTHS} months would be kept, {true['disturbed_share']:.1%} of the others driven "
        f"away, and {true['acceptance']:.0%} would take the offer. What the earlier campaign "
        f"allowed, by seeds: {counted}."
    )


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
    return f"{values.mean():,.0f} ({low:,.0f} to {high:,.0f})"


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

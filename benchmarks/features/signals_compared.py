"""What is compared: the full catalogue of the synthetic business, and the part all can express."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from benchmarks.features.synthetic_tables import (
    ALLOWANCES,
    COUNTRIES,
    EXTRA_REVENUE,
    METRICS,
    PLANS,
    PRICES,
    SEVERITIES,
)
from features.catalogue import Vocabulary, catalogue
from features.contract import KIND_CODES
from features.expressions import (
    ActiveDays,
    Arithmetic,
    Constant,
    Count,
    DaysSince,
    DistinctLabels,
    Expression,
    Total,
)
from features.instants import instant_of
from features.references import References
from features.rules import CustomerRules
from features.signal import Signal

VOCABULARY = Vocabulary(
    METRICS, {"country": COUNTRIES, "age": None}, SEVERITIES, (EXTRA_REVENUE,), has_allowances=True
)
ATTRIBUTES = ("country", "age")
RULES = CustomerRules(contract="subscription", currency="EUR")
_LADDER = {
    plan: round(price * RULES.minor_units) for plan, price in zip(PLANS, PRICES, strict=True)
}
REFERENCES = References(
    ladder=_LADDER,
    allowances=dict(zip(PLANS, ALLOWANCES, strict=True)),
    cohort_prices={f"2023-{month:02d}": 2_000 + 100 * month for month in range(1, 13)},
    typical_price=2_500,
)
"""Plausible references; what the population's are costs the kernel nothing."""
Atom = Count | Total | DaysSince | ActiveDays | DistinctLabels
_ATOMS = (Count, Total, DaysSince, ActiveDays, DistinctLabels)


def cutoffs(n_cutoffs: int = 12) -> list[datetime]:
    """Return the starts of up to 13 months that end the two years of data, in order."""
    months = [(2024 + month // 12, month % 12 + 1) for month in range(13)]
    return [datetime(year, month, 1, tzinfo=UTC) for year, month in months][-n_cutoffs:]


def instants(n_cutoffs: int = 12) -> list[int]:
    """Return the same cutoffs in microseconds since the epoch."""
    return [instant_of(cutoff) for cutoff in cutoffs(n_cutoffs)]


def full_catalogue() -> tuple[Signal, ...]:
    """Return every signal of the synthetic business."""
    return catalogue("subscription", VOCABULARY)


def common_signals() -> tuple[Signal, ...]:
    """Return the signals made of counts, totals, days since, active days and distinct labels.

    Only kinds and labels that stand in the log: no purchase, no downgrade, no plan as it stands.
    """
    return tuple(signal for signal in full_catalogue() if _is_common(signal.expression))


def atoms_of(signals: Sequence[Signal]) -> list[Atom]:
    """Return the distinct windowed aggregates that the signals are made of, in order."""
    return list(dict.fromkeys(atom for signal in signals for atom in _atoms(signal.expression)))


def kind_and_label(happening: str) -> tuple[int, str | None]:
    """Return the code of a happening's kind, and its label where it names one."""
    kind, _, label = happening.partition(":")
    return KIND_CODES[kind], label or None


def _is_common(expression: Expression) -> bool:
    match expression:
        case Arithmetic(_, left, right):
            return _is_common(left) and _is_common(right)
        case Count() | Total() | DaysSince() | ActiveDays() | DistinctLabels():
            return expression.happening.partition(":")[0] in KIND_CODES
        case _:
            return isinstance(expression, Constant)


def _atoms(expression: Expression) -> Iterator[Atom]:
    if isinstance(expression, Arithmetic):
        yield from _atoms(expression.left)
        yield from _atoms(expression.right)
    elif isinstance(expression, _ATOMS):
        yield expression

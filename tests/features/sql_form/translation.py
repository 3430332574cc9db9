"""Expressions translated to SQL by their structure: leaves to aggregates, arithmetic as it is."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from features.expressions import (
    ActiveDays,
    Allowance,
    Arithmetic,
    Constant,
    Count,
    CountSince,
    DaysSince,
    Deviation,
    DistinctLabels,
    Expression,
    Largest,
    Latest,
    Mean,
    OtherLevel,
    PlanState,
    Profile,
    Referred,
    Season,
    Total,
)
from features.rules import CustomerRules
from tests.features.sql_form.arithmetic import DAY
from tests.features.sql_form.happenings import Happening, happening_of, quoted, source_sql
from tests.features.sql_form.plan_states import allowance_of
from tests.features.sql_form.tables import THOUSANDTHS

Aggregated = Count | Total | Largest | Deviation | Mean | DaysSince | Latest
Distinct = ActiveDays | DistinctLabels
_OPERATORS = {"+": "({} + {})", "-": "({} - {})", "/": "({} / nullif({}, 0))"}
_OPERATORS |= {"min": "smaller({}, {})", "max": "larger({}, {})"}
_NONE_IS_ZERO = (Count, CountSince, Total, ActiveDays, DistinctLabels)
_ANGLE = "2 * pi() * (month(make_timestamp(as_of)) - 1) / 12"
_SEASON = {
    "month": "month(make_timestamp(as_of))",
    "sine": f"sin({_ANGLE})",
    "cosine": f"cos({_ANGLE})",
}
_DAY = "day_before(as_of, occurred)"
_KNOWN_THEN = "coalesce(epoch_us(customers.acquired_at) < as_of, is_seen, false)"
"""Attributes are those known when the customer was acquired, or seen where that is not known."""


@dataclass
class Translation:
    """Collect the aggregates that signals need, by source, while translating them."""

    rules: CustomerRules
    aggregates: dict[str, dict[str, str]] = field(default_factory=dict)
    distinct: dict[tuple[str, str], list[Distinct]] = field(default_factory=dict)
    since: list[CountSince] = field(default_factory=list)
    names: dict[Expression, str] = field(default_factory=dict)

    def sql(self, expression: Expression) -> str:  # noqa: PLR0911 -- one arm a node
        """Return an expression of SQL for an expression of the catalogue."""
        match expression:
            case Arithmetic(operator, left, right):
                return _OPERATORS[operator].format(self.sql(left), self.sql(right))
            case Constant(value):
                return f"{value!r}::DOUBLE"
            case PlanState(name):
                return f"plan_states.{name}"
            case Allowance(metric):
                scale = self.rules.usage_scale.get(metric, THOUSANDTHS)
                return f"plan_states.{allowance_of(scale)}"
            case Season(part):
                return f"({_SEASON[part]})::DOUBLE"
            case Referred():
                return f"coalesce({_KNOWN_THEN} AND referred_by IS NOT NULL, false)::DOUBLE"
            case Profile(attribute, level):
                return _profile(attribute, level)
            case OtherLevel(attribute, levels):
                return _other_level(attribute, levels)
            case _:
                return self._leaf(expression)

    def _leaf(self, leaf: Expression) -> str:
        if leaf not in self.names:
            self.names[leaf] = f"leaf_{len(self.names)}"
            self._collect(leaf)
        name = self.names[leaf]
        return f"coalesce({name}, 0)" if isinstance(leaf, _NONE_IS_ZERO) else name

    def _collect(self, leaf: Expression) -> None:
        match leaf:
            case CountSince():
                self.since.append(leaf)
            case ActiveDays():
                self.distinct.setdefault(
                    (leaf.happening, "day_before(as_of, occurred)"), []
                ).append(leaf)
            case DistinctLabels():
                self.distinct.setdefault((leaf.happening, "label"), []).append(leaf)
            case _:
                self._aggregate(leaf)

    def _aggregate(self, leaf: Aggregated) -> None:
        found = happening_of(leaf.happening, self.rules)
        aggregate = f"CAST({_aggregate_of(leaf, found)} AS DOUBLE)"
        self.aggregates.setdefault(found.source, {})[self.names[leaf]] = aggregate

    def relations(self) -> Iterator[str]:
        """Yield one relation a source: its aggregates by as_of and customer."""
        for source, aggregates in self.aggregates.items():
            columns = ", ".join(f"{sql} AS {name}" for name, sql in aggregates.items())
            yield f"""
                SELECT as_of, customer, {columns} FROM {source_sql(source)}
                GROUP BY as_of, customer"""
        for (happening, thing), leaves in self.distinct.items():
            yield self._distinct(happening, thing, leaves)
        for leaf in self.since:
            yield self._count_since(leaf, self.names[leaf])

    def _distinct(self, happening: str, thing: str, leaves: list[Distinct]) -> str:
        """Count things by when each was seen last: it is in every window that reaches back so far.

        A `count(DISTINCT ...)` for each window took eight times as long.
        """
        found = happening_of(happening, self.rules)
        longest = max(leaf.days for leaf in leaves)
        columns = ", ".join(
            f"count(*) FILTER (WHERE latest >= {_begin(leaf.days)})::DOUBLE AS {self.names[leaf]}"
            for leaf in leaves
        )
        return f"""
            SELECT as_of, customer, {columns}
            FROM (
                SELECT as_of, customer, {thing} AS thing, max(occurred) AS latest
                FROM {source_sql(found.source)}
                WHERE {found.condition} AND occurred >= {_begin(longest)} AND {thing} IS NOT NULL
                GROUP BY as_of, customer, thing
            )
            GROUP BY as_of, customer"""

    def _count_since(self, leaf: CountSince, name: str) -> str:
        counted, since = (happening_of(h, self.rules) for h in (leaf.happening, leaf.since))
        return f"""
            SELECT as_of, customer, count(*)::DOUBLE AS {name}
            FROM (SELECT * FROM {source_sql(counted.source)} WHERE {counted.condition})
            LEFT JOIN (
                SELECT as_of, customer, max((occurred, seq)) AS latest
                FROM {source_sql(since.source)}
                WHERE {since.condition} GROUP BY as_of, customer
            ) USING (as_of, customer)
            WHERE latest IS NULL OR (occurred, seq) > latest
            GROUP BY as_of, customer"""


def _aggregate_of(leaf: Aggregated, found: Happening) -> str:  # noqa: PLR0911 -- one arm a node
    days = getattr(leaf, "days", None)
    recent = "" if days is None else f" AND occurred >= {_begin(days)}"
    kept, value, scale = f"FILTER (WHERE {found.condition}{recent})", found.value, found.scale
    n_known, total = f"count({value}) {kept}", f"sum({value}) {kept}"
    match leaf:
        case Count():
            return f"count(*) {kept}"
        case Total():
            return f"whole({total}) / {scale}"
        case Largest():
            return f"(max({value}) {kept})::DOUBLE / {scale}"
        case Latest():
            return f"(arg_max({value}, (occurred, seq)) {kept})::DOUBLE / {scale}"
        case Mean():
            return f"whole({total}) / nullif(({n_known}) * {scale}, 0)"
        case Deviation():
            squares = f"sum({value}::HUGEINT * {value}) {kept}"
            spread = f"sqrt(whole(({n_known}) * ({squares}) - ({total}) * ({total})))"
            return f"{spread} / nullif(({n_known}) * {scale}, 0)"
        case DaysSince(_, which):
            instant = f"{'max' if which == 'latest' else 'min'}(occurred) {kept}"
            return f"(as_of - ({instant}))::DOUBLE / {DAY}"


def _begin(days: int) -> str:
    return f"as_of - {days * DAY}"


def _profile(attribute: str, level: str | None) -> str:
    column = f'CASE WHEN {_KNOWN_THEN} THEN customers."{attribute}" END'
    if level is None:
        return f"CAST({column} AS DOUBLE)"
    return f"coalesce(CAST({column} AS VARCHAR) = {quoted(level)}, false)::DOUBLE"


def _other_level(attribute: str, levels: tuple[str, ...]) -> str:
    known = ", ".join(quoted(level) for level in levels)
    column = f'CAST(CASE WHEN {_KNOWN_THEN} THEN customers."{attribute}" END AS VARCHAR)'
    is_listed = f"{column} IN ({known})" if levels else "false"
    return f"coalesce(NOT ({is_listed}), {column} IS NOT NULL)::DOUBLE"

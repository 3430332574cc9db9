"""Expressions translated to SQL by their structure: leaves to aggregates, arithmetic as it is."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from features.expressions import (
    ActiveDays,
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

Windowed = (
    Count | Total | Largest | Deviation | Mean | DaysSince | Latest | ActiveDays | DistinctLabels
)
_OPERATORS = {"+": "({} + {})", "-": "({} - {})", "/": "({} / nullif({}, 0))"}
_OPERATORS |= {"min": "smaller({}, {})", "max": "larger({}, {})"}
_NONE_IS_ZERO = (Count, CountSince, Total, ActiveDays, DistinctLabels)
_ANGLE = "2 * pi() * (month(make_timestamp(as_of)) - 1) / 12"
_SEASON = {
    "month": "month(make_timestamp(as_of))",
    "sine": f"sin({_ANGLE})",
    "cosine": f"cos({_ANGLE})",
}


@dataclass
class Translation:
    """Collect the aggregates that signals need, by source, while translating them."""

    rules: CustomerRules
    aggregates: dict[str, dict[str, str]] = field(default_factory=dict)
    since: dict[CountSince, str] = field(default_factory=dict)
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
            case Season(part):
                return f"({_SEASON[part]})::DOUBLE"
            case Referred():
                return "(customers.referred_by IS NOT NULL)::DOUBLE"
            case Profile(attribute, level):
                return _profile(attribute, level)
            case OtherLevel(attribute, levels):
                return _other_level(attribute, levels)
            case _:
                return self._leaf(expression)

    def _leaf(self, leaf: Expression) -> str:
        if leaf not in self.names:
            self.names[leaf] = f"leaf_{len(self.names)}"
            if isinstance(leaf, CountSince):
                self.since[leaf] = self.names[leaf]
            else:
                self._aggregate(leaf)
        name = self.names[leaf]
        return f"coalesce({name}, 0)" if isinstance(leaf, _NONE_IS_ZERO) else name

    def _aggregate(self, leaf: Windowed) -> None:
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
        for leaf, name in self.since.items():
            yield self._count_since(leaf, name)

    def _count_since(self, leaf: CountSince, name: str) -> str:
        counted, since = (happening_of(h, self.rules) for h in (leaf.happening, leaf.since))
        return f"""
            SELECT as_of, customer, count(*)::DOUBLE AS {name}
            FROM (SELECT * FROM {source_sql(counted.source)} WHERE {counted.condition})
            LEFT JOIN (
                SELECT as_of, customer, max(seq) AS latest FROM {source_sql(since.source)}
                WHERE {since.condition} GROUP BY as_of, customer
            ) USING (as_of, customer)
            WHERE coalesce(seq > latest, true)
            GROUP BY as_of, customer"""


def _aggregate_of(leaf: Windowed, found: Happening) -> str:  # noqa: PLR0911 -- one arm a node
    days = getattr(leaf, "days", None)
    recent = "" if days is None else f" AND occurred >= as_of - {days * DAY}"
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
            return f"(arg_max({value}, seq) {kept})::DOUBLE / {scale}"
        case Mean():
            return f"whole({total}) / nullif(({n_known}) * {scale}, 0)"
        case Deviation():
            squares = f"sum({value}::HUGEINT * {value}) {kept}"
            spread = f"sqrt(whole(({n_known}) * ({squares}) - ({total}) * ({total})))"
            return f"{spread} / nullif(({n_known}) * {scale}, 0)"
        case DaysSince(_, which):
            instant = f"{'max' if which == 'latest' else 'min'}(occurred) {kept}"
            return f"(as_of - ({instant}))::DOUBLE / {DAY}"
        case ActiveDays():
            return f"count(DISTINCT day_of(occurred)) {kept}"
        case DistinctLabels():
            return f"count(DISTINCT label) {kept}"


def _profile(attribute: str, level: str | None) -> str:
    column = f'customers."{attribute}"'
    if level is None:
        return f"CAST({column} AS DOUBLE)"
    return f"coalesce(CAST({column} AS VARCHAR) = {quoted(level)}, false)::DOUBLE"


def _other_level(attribute: str, levels: tuple[str, ...]) -> str:
    known = ", ".join(quoted(level) for level in levels)
    column = f'CAST(customers."{attribute}" AS VARCHAR)'
    is_listed = f"{column} IN ({known})" if levels else "false"
    return f"coalesce(NOT ({is_listed}), {column} IS NOT NULL)::DOUBLE"

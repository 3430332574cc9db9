"""The rules of `features.ingest.checks` as SQL expressions over the columns of a typed table."""

from collections.abc import Iterable, Mapping, Sequence

from features.ingest.checks import UNKNOWN_KIND, kind_hint
from features.ingest.defects import MISSING, OUT_OF_RANGE, SHOWN_CHARACTERS, Check
from features.ingest.quoting import literal, literals

NUMBER_COLUMNS = ("amount", "list_amount", "term_months", "acquisition_cost", "allowance")


def is_faulty_sql(checks: Sequence[Check]) -> str:
    """Return a condition that is true for a row that breaks any rule, and never null."""
    return f"coalesce({' OR '.join(fails_sql(check) for check in checks)}, false)"


def faults_sql(checks: Sequence[Check], unknown_kinds: Iterable[str] = ()) -> str:
    """Return an expression of type STRUCT(rule VARCHAR, sentence VARCHAR)[]."""
    hints = {kind: hint for kind in unknown_kinds if (hint := kind_hint(kind))}
    faults = (
        f"CASE WHEN {fails_sql(check)} THEN {_fault_sql(check, hints)} END" for check in checks
    )
    return f"list_filter([{', '.join(faults)}], lambda fault: fault IS NOT NULL)"


def fails_sql(check: Check, instant: str = "TIMESTAMPTZ") -> str:
    """Return a condition that is true for a row that breaks a rule, and else false or null.

    `instant` is the type of instants in the dialect that is to read it.
    """
    conditions = [f"({check.defect.sql.format(value=check.column, instant=instant)})"]
    if check.kinds:
        conditions.append(f"kind IN ({literals(check.kinds)})")
    if check.labels:
        conditions.append(f"label IN ({literals(check.labels)})")
    if check.other_labels:
        conditions.append(f"(label IS NULL OR label NOT IN ({literals(check.other_labels)}))")
    return f"({' AND '.join(conditions)})"


def fault_sql(rule: str, column: str, value_sql: str, expected: str, hint_sql: str = "''") -> str:
    """Return a struct of a rule's name and its sentence about the value."""
    beginning, ending = literal(f"{column} is "), literal(f"; {expected}")
    sentence = f"{beginning} || {value_sql} || {ending} || {hint_sql}"
    return f"{{'rule': {literal(rule)}, 'sentence': {sentence}}}"


def shown_text_sql(value: str) -> str:
    """Return an expression that shows the beginning of a text, quoted, without NUL bytes."""
    return f"'''' || replace(left({value}, {SHOWN_CHARACTERS}), chr(0), '\\0') || ''''"


def _fault_sql(check: Check, hints: Mapping[str, str]) -> str:
    hint = _hint_sql(hints) if check is UNKNOWN_KIND and hints else "''"
    return fault_sql(check.rule, check.column, _shown_sql(check), check.expected, hint)


def _hint_sql(hints: Mapping[str, str]) -> str:
    cases = (f"WHEN {literal(kind)} THEN {literal(hint)}" for kind, hint in hints.items())
    return f"CASE kind {' '.join(cases)} ELSE '' END"


def _shown_sql(check: Check) -> str:
    if check.defect is MISSING:
        return "'missing'"
    if check.defect is OUT_OF_RANGE:
        return f"strftime({check.column}, '%Y-%m-%dT%H:%M:%SZ')"
    if check.column in NUMBER_COLUMNS:
        return f"CAST({check.column} AS VARCHAR)"
    return shown_text_sql(check.column)

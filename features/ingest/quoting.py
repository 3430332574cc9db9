"""Text set into SQL so that it stays text."""

from collections.abc import Iterable


def identifier(name: str) -> str:
    """Quote the name of a view or a column."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string value."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """Quote string values, separated by commas."""
    return ", ".join(literal(text) for text in texts)

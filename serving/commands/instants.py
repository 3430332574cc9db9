"""Instants as people give them on the command line."""

from datetime import datetime

from features.instants import datetime_of, instant_from_text, instant_of
from features.mistakes import ConfigurationError, InputRefusedError, Mistake
from serving.workspace import Workspace
from training.known import observed_bounds


def instant_option(option: str, text: str) -> datetime:
    """Return the instant that an option gives.

    Raises
    ------
    ConfigurationError
        If it is none, or has no zone.
    """
    try:
        return instant_from_text(text)
    except ValueError as error:
        expected = "expected a date (00:00 UTC), or a time with Z or an offset"
        mistake = Mistake(option, repr(text), expected)
        raise ConfigurationError(f"{option} cannot be read: {error}", [mistake]) from error


def as_of_or_default(
    workspace: Workspace, text: str | None, observed: tuple[int, int] | None = None
) -> datetime:
    """Return the instant given by `--as-of`, else the end of observation.

    `observed` bounds it in microseconds; by default the log does.

    Raises
    ------
    ConfigurationError
        If the text is no instant.
    InputRefusedError
        If the log is empty, or nothing or not everything is known of that instant.
    """
    given = None if text is None else instant_option("--as-of", text)
    bounds = observed or observed_bounds(workspace.log(), workspace.configuration.business)
    since, until = (datetime_of(bound) for bound in bounds)
    if given is not None and not since < given <= until:
        expected = (
            f"observation runs from {since:%Y-%m-%d} to {until:%Y-%m-%d}: give an instant after "
            "the first and not after the last, or set observed_from and observed_until"
        )
        mistake = Mistake("--as-of", given.isoformat(), expected)
        raise InputRefusedError("that instant was not observed", [mistake])
    return given or until


def micros_option(option: str, text: str) -> int:
    """Return the instant that an option gives, in microseconds."""
    return instant_of(instant_option(option, text))

"""Instants as people give them on the command line."""

from datetime import datetime

from features.instants import instant_from_text
from features.mistakes import ConfigurationError, Mistake
from features.months import datetime_of, instant_of
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
        raise ConfigurationError(str(error), [Mistake(option, repr(text), expected)]) from error


def as_of_or_default(workspace: Workspace, text: str | None) -> datetime:
    """Return the instant given by `--as-of`, else the end of observation."""
    if text is not None:
        return instant_option("--as-of", text)
    return datetime_of(observed_bounds(workspace.log(), workspace.configuration.business)[1])


def micros_option(option: str, text: str) -> int:
    """Return the instant that an option gives, in microseconds."""
    return instant_of(instant_option(option, text))

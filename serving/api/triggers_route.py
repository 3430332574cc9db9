"""GET /v1/triggers: the feed of triggers, for systems that ask rather than listen."""

from collections.abc import Sequence

from features.mistakes import Mistake
from serving.api.answers import TriggersAnswer
from serving.api.current import Current
from serving.api.problems import UNFIT, Problem
from serving.campaigns.triggers import triggers_after
from serving.delivery.trigger_events import event_of

FEW, MOST = 100, 1000
LARGEST_NUMBER = 2**53
_BOUNDS = {"after": (0, LARGEST_NUMBER), "limit": (1, MOST)}


def answer_triggers(current: Current, asked: Sequence[tuple[str, str]]) -> TriggersAnswer:
    """Return the triggers after a number, in the order in which they became visible.

    `asked` are the names and values of the query.

    Raises
    ------
    Problem
        422 where the query has other names, one twice, or numbers out of bounds.
    """
    terms = {"after": 0, "limit": FEW} | _numbers(asked)
    found = triggers_after(current.workspace.store, terms["after"], terms["limit"])
    events = [event_of(trigger) for trigger in found]
    newest = found[-1].number if found else terms["after"]
    return TriggersAnswer(triggers=events, next_after=newest, has_more=len(found) == terms["limit"])


def _numbers(asked: Sequence[tuple[str, str]]) -> dict[str, int]:
    names = [name for name, _ in asked]
    mistakes = [
        Mistake(name, repr(value[:40]), expected)
        for name, value in asked
        if (expected := _expected(name, value, names.count(name)))
    ]
    if mistakes:
        raise Problem(UNFIT, f"{mistakes[0]}.", mistakes)
    return {name: int(value) for name, value in asked}


def _expected(name: str, value: str, times: int) -> str:
    """Return what was expected of a part of the query; empty where it is as expected."""
    if name not in _BOUNDS:
        return f"expected one of {', '.join(_BOUNDS)}"
    least, most = _BOUNDS[name]
    is_number = value.isascii() and value.isdigit() and len(value) <= len(str(most))
    if times > 1 or not is_number or not least <= int(value) <= most:
        return f"expected a whole number from {least} to {most:,}, once"
    return ""

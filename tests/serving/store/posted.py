"""Events as a caller would post them, and a log that knows few."""

from collections.abc import Sequence

from features.erasure import NOBODY_ERASED, Erased
from serving.store.live_events import LiveEvent

NOON = 1_750_000_000_000_000


def event(number: int, customer_id: str = "c", **said: object) -> LiveEvent:
    """Return the usage event of a number, recorded a second after it occurred."""
    occurred_at = NOON + number * 1_000_000
    plain = LiveEvent(
        f"e{number}", customer_id, "usage", occurred_at, occurred_at + 1_000_000, amount=1.0
    )
    return plain._replace(**said)


class SmallLog:
    """Know a few events, by default none."""

    def __init__(self, events: Sequence[LiveEvent] = ()) -> None:
        self._events = {event.event_id: event for event in events}

    @property
    def erased(self) -> Erased:
        return NOBODY_ERASED

    def known(self, event_ids: Sequence[str]) -> set[str]:
        return self._events.keys() & set(event_ids)

    def find(self, customer_id: str, event_id: str) -> LiveEvent | None:
        found = self._events[event_id]
        return found if found.customer_id == customer_id else None

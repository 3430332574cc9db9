"""Listening: events that live campaigns wait for, judged as they come, each once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa

from features.blocks import Block
from serving.campaigns.campaign import NIGHT
from serving.campaigns.candidates import Candidate, Judge
from serving.campaigns.decisions import Rulebook
from serving.campaigns.ledger import KnowsErased, settle
from serving.campaigns.taught import Taught, TaughtNow
from serving.campaigns.triggers import Trigger, triggers_of
from serving.store.database import LiveStore
from serving.store.live_events import LiveEvent
from training.bundle import Bundle


class Listening:
    """Know which events campaigns wait for, and judge whom they happened to; one thread a time."""

    def __init__(self, book: Rulebook, taught: TaughtNow) -> None:
        self.book, self._taught = book, taught
        self._kinds = frozenset(kind for each in book.campaigns for kind in each.on) - {NIGHT}
        self._judge: Judge | None = None
        self._judges_by: Mapping[str, Taught] = {}

    def heard(self, events: Sequence[LiveEvent]) -> list[LiveEvent]:
        """Return the events of kinds that some campaign waits for."""
        return [event for event in events if event.kind in self._kinds] if self._kinds else []

    def require_fit(self, bundle: Bundle) -> None:
        """Refuse campaigns that wait for events and cannot run; raises as `Judge` does."""
        if self._kinds:
            self.judge(bundle)

    def judge(self, bundle: Bundle) -> Judge:
        """Return the judge by a model version and what is taught now; raises as `Judge` does."""
        taught = self._taught()
        is_made = self._judge is not None and self._judge.bundle is bundle
        if self._judge is None or not is_made or self._judges_by is not taught:
            waiting = [each for each in self.book.campaigns if self._kinds & set(each.on)]
            self._judge, self._judges_by = Judge(waiting, bundle, taught), taught
        return self._judge

    def candidates(
        self, bundle: Bundle, block: Block, as_of: int, people: pa.Table, heard: Sequence[LiveEvent]
    ) -> dict[str, list[Candidate]]:
        """Return, by kind of event, the customers of a block whom the campaigns are for.

        Of several events of one kind and customer the latest counts.
        """
        customers = self.judge(bundle).candidates(block, as_of, people, lambda _: "")
        in_order = sorted(heard, key=lambda event: (event.occurred_at, event.event_id))
        latest: dict[str, dict[str, str]] = {}
        for event in in_order:
            latest.setdefault(event.kind, {})[event.customer_id] = event.event_id
        return {
            kind: [
                replace(each, occasion=f"event {event_ids[each.customer_id]}")
                for each in customers
                if each.customer_id in event_ids
            ]
            for kind, event_ids in latest.items()
        }

    def settle(
        self,
        store: LiveStore,
        log: KnowsErased,
        candidates: Mapping[str, Sequence[Candidate]],
        now: datetime,
    ) -> list[Trigger]:
        """Decide of candidates by kind of event, of the kind that happened first before others.

        Returns the triggers of their events, also of earlier calls.
        """
        for kind, concerned in candidates.items():
            live = self.book.live(now, kind)
            names = [campaign.name for campaign in live.campaigns]
            own = [each.only(names) for each in concerned]
            asked = {each.decision_id: each for each in own if each.options}
            if asked:
                settle(store, log, asked, live, now)
        ids = [each.decision_id for concerned in candidates.values() for each in concerned]
        return triggers_of(store, ids)

"""Looking once more, as a message goes out, whether its customer should still be contacted."""

from datetime import datetime
from functools import partial
from threading import Lock

import pyarrow as pa

from features.instants import datetime_of, instant_of
from serving.api.asked import block_of_tables
from serving.api.current import Current
from serving.api.problems import Problem
from serving.campaigns.campaign import Campaign
from serving.campaigns.candidates import Candidate, Judge
from serving.campaigns.contacts import with_decided
from serving.campaigns.ledger import chosen_for, decided_at
from serving.campaigns.quiet_hours import first_allowed
from serving.campaigns.verdicts import NO_CONSENT, NOT_ELIGIBLE, Before
from serving.configuration import rulebook_of
from serving.delivery.delivering import Objection
from serving.delivery.trigger_events import decision_id_of
from serving.store.logged_events import despite_rewriting
from serving.store.outbox import Message
from training.bundle import Bundle

NOT_RUNNING = "the campaign does not run any more"
NOT_WANTED = "no longer whom the campaign is for"
QUIET = "quiet hours"
_NOBODY = pa.table({"customer_id": pa.array([], pa.string())})


class Recheck:
    """Judge a message's customer by what is known now; one at a time."""

    def __init__(self, current: Current) -> None:
        """Judge by what serves at that moment."""
        settings = current.workspace.configuration
        self._campaigns = {campaign.name: campaign for campaign in settings.campaigns}
        self._rules = settings.contacts
        self._memory = rulebook_of(settings).memory()
        self._current = current
        self._judges: dict[str, tuple[Bundle, Judge]] = {}
        self._one_at_a_time = Lock()

    def __call__(self, message: Message, now: int) -> Objection | None:
        """Return why a message is not sent at `now`, in UTC microseconds; None where it is."""
        moment = datetime_of(now)
        campaign = self._campaigns.get(message.campaign)
        if campaign is None or not campaign.is_live(moment):
            return Objection(NOT_RUNNING)
        with self._one_at_a_time:
            ask = partial(self._candidate, campaign, message.customer_id)
            candidate = despite_rewriting(ask)
        if candidate is None:
            return Objection(NOT_WANTED)
        if not candidate.options[0].is_eligible:
            return Objection(NOT_ELIGIBLE)
        if campaign.requires_consent and not candidate.consent:
            return Objection(NO_CONSENT)
        if said := self._before(message, candidate, moment).against(campaign):
            return Objection(said)
        allowed = instant_of(first_allowed(moment, candidate.time_zone, self._rules))
        return Objection(QUIET, allowed) if allowed > now else None

    def _before(self, message: Message, candidate: Candidate, now: datetime) -> Before:
        """Return the contacts that bear on this one: decided before it, or made by other systems.

        Of several that were decided and wait to be sent the earliest stands.
        """
        with self._current.workspace.store.reading() as connection:
            own = decided_at(connection, decision_id_of(message.message_id))
            decided = chosen_for(connection, message.customer_id, now - self._memory)
        later = [each for each in decided if own is not None and each[1] >= own]
        counted = with_decided(decided, candidate.contacts)
        return Before([each for each in counted if each not in later], self._rules, now)

    def _candidate(self, campaign: Campaign, customer_id: str) -> Candidate | None:
        """Return the customer as a candidate of the campaign; None if it is not for them."""
        bundle, known = self._current.serving().bundle, self._current.known()
        tables = known.tables_of([customer_id])
        if not tables.events.num_rows:
            return None
        try:
            block = block_of_tables(tables, bundle)
        except Problem:
            # What cannot be scored cannot be judged either.
            return None
        judge = self._judge(campaign, bundle)
        people = tables.customers if tables.customers is not None else _NOBODY
        as_of = known.observed_until
        found = judge.candidates(block, as_of, people, lambda _: "sending")
        return found[0] if found else None

    def _judge(self, campaign: Campaign, bundle: Bundle) -> Judge:
        """Return the judge of a campaign, kept as long as its version serves."""
        made_for, judge = self._judges.get(campaign.name, (None, None))
        if judge is None or made_for is not bundle:
            judge = Judge([campaign], bundle)
            self._judges[campaign.name] = bundle, judge
        return judge

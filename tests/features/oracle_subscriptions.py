"""Subscriptions of one customer replayed in plain Python, from the contract alone.

Events are dicts of contract columns, visible ones only, sorted by (occurred_at, event_id).
Nothing here imports the product.
"""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

NEVER = datetime.max.replace(tzinfo=UTC)
NAN = float("nan")
PLAN_KINDS = ("subscribe", "plan_change", "renew")


def minor_units(amount):
    """Return money as whole cents."""
    return int((Decimal(repr(amount)) * 100).to_integral_value())


def effect_of(event):
    return event["effective_at"] or event["occurred_at"]


def list_price(event):
    return minor_units(event["amount"] if event["list_amount"] is None else event["list_amount"])


def later_by_months(start, months, month):
    """Return the instant some months later: the same day, or the last the month has."""
    if month != "calendar":
        return start + months * timedelta(days=month)
    year, index = divmod(start.year * 12 + start.month - 1 + months, 12)
    last_day = monthrange(year, index + 1)[1]
    return start.replace(year=year, month=index + 1, day=min(start.day, last_day))


def months_between(start, end, month):
    """Return the largest number of months that, added to start, does not pass end."""
    months = (end - start).days // 31
    while later_by_months(start, months, month) > end:
        months -= 1
    while later_by_months(start, months + 1, month) <= end:
        months += 1
    return months


def plan_moves(events):
    """Return (event, the plan event in force before it) for plan changes and renewals."""
    moves = []
    for plans in _by_subscription(events, PLAN_KINDS).values():
        in_effect_order = sorted(plans, key=effect_of)
        moves += [(now, before) for before, now in pairwise(in_effect_order)]
    return [(now, before) for now, before in moves if now["kind"] != "subscribe"]


def _by_subscription(events, kinds):
    found = {}
    for event in events:
        if event["kind"] in kinds:
            found.setdefault(event["subscription_id"], []).append(event)
    return found


def _stretches(events, rules):
    """Return (start, end, event) for each stretch of one subscription at one price."""
    standing = _standing(events)
    stretches = []
    for event in standing:
        start = effect_of(event)
        end = min((effect_of(e) for e in standing if effect_of(e) > start), default=NEVER)
        if rules.term_end == "lapses" and event["kind"] != "cancel" and event["term_months"]:
            end = min(end, later_by_months(start, event["term_months"], rules.month))
        is_last_word = [e for e in standing if effect_of(e) == start][-1] is event
        if event["kind"] != "cancel" and is_last_word:
            stretches.append((start, end, event))
    return sorted(stretches, key=lambda stretch: stretch[0])


def _standing(events):
    """Leave out cancellations withdrawn in time, and changes that a cancellation made void."""
    cancels = []
    for position, event in enumerate(events):
        withdrawals = [e for e in events[position:] if e["kind"] == "cancel_withdrawn"]
        in_time = any(e["occurred_at"] < effect_of(event) for e in withdrawals)
        if event["kind"] == "cancel" and not in_time:
            cancels.append((position, event))
    standing = [event for _, event in cancels]
    for position, event in enumerate(events):
        is_void = event["kind"] != "subscribe" and any(
            asked > position and effect_of(cancel) <= effect_of(event) for asked, cancel in cancels
        )
        if event["kind"] in PLAN_KINDS and not is_void:
            standing.append(event)
    return [event for event in events if any(event is kept for kept in standing)]


class Subscriptions:
    """Answer what was believed of one customer's subscriptions."""

    def __init__(self, events, rules):
        self.events, self.rules = events, rules
        kinds = (*PLAN_KINDS, "cancel", "cancel_withdrawn")
        grouped = _by_subscription(events, kinds).values()
        self.stretches = [_stretches(group, rules) for group in grouped]

    def open_at(self, instant):
        every = [stretch for stretches in self.stretches for stretch in stretches]
        return [stretch for stretch in every if stretch[0] <= instant < stretch[1]]

    def mrr_at(self, instant):
        return sum(minor_units(event["amount"]) for _, _, event in self.open_at(instant))

    def list_mrr_at(self, instant):
        return sum(list_price(event) for _, _, event in self.open_at(instant))

    def spell_at(self, instant):
        """Return start and end of the spell around an instant, short gaps joined."""
        grace = timedelta(days=self.rules.rejoin_grace_days)
        every = sorted((s[0], s[1]) for stretches in self.stretches for s in stretches)
        spells = []
        for start, end in every:
            if spells and (spells[-1][1] == NEVER or start - spells[-1][1] <= grace):
                spells[-1][1] = max(spells[-1][1], end)
            else:
                spells.append([start, end])
        return next((start, end) for start, end in spells if start <= instant < end)

    def main_at(self, instant):
        """Return the open stretch with the highest MRR; of equals the one asked for last."""
        return max(
            self.open_at(instant),
            key=lambda stretch: (minor_units(stretch[2]["amount"]), self._asked(stretch[2])),
        )

    def price_began(self, stretch):
        """Return since when the stretch's plan and price have held without a break."""
        began = stretch[0]
        for start, end, event in reversed(next(s for s in self.stretches if stretch in s)):
            if end == began and _same_price(event, stretch[2]):
                began = start
            elif end <= began:
                break
        return began

    def _asked(self, event):
        return next(position for position, e in enumerate(self.events) if e is event)


def _same_price(one, other):
    same_amount = minor_units(one["amount"]) == minor_units(other["amount"])
    return same_amount and one["label"] == other["label"]


def plan_state(events, as_of, rules, acquired_at):
    """Return the properties of the plan as it stands; NaN where nothing is open."""
    subscriptions = Subscriptions(events, rules)
    if not subscriptions.open_at(as_of):
        return {}
    now, listed = subscriptions.mrr_at(as_of), subscriptions.list_mrr_at(as_of)
    main = subscriptions.main_at(as_of)
    return {
        "mrr": now / 100,
        "list_mrr": listed / 100,
        "discount_share": float(Fraction(listed - now, listed)) if listed > 0 else 0.0,
        "open_subscriptions": len(subscriptions.open_at(as_of)),
        "tenure_months": _tenure_months(subscriptions, as_of, acquired_at),
        "months_on_plan": months_between(subscriptions.price_began(main), as_of, rules.month),
        "term_months": main[2]["term_months"] or 0,
        "months_to_renewal": _months_to_renewal(main, as_of, rules.month),
        "months_to_booked_end": _months_to_booked_end(subscriptions, as_of),
        "booked_mrr_change": _booked_mrr_change(subscriptions, as_of),
    }


def _tenure_months(subscriptions, as_of, acquired_at):
    began, _ = subscriptions.spell_at(as_of)
    seen_from_the_start = any(
        event["kind"] == "subscribe" and effect_of(event) == began for event in subscriptions.events
    )
    if not seen_from_the_start and acquired_at is not None:
        began = min(began, acquired_at)
    return months_between(began, as_of, subscriptions.rules.month)


def _months_to_renewal(main, as_of, month):
    start, _, event = main
    if not event["term_months"]:
        return NAN
    terms = 1
    while later_by_months(start, terms * event["term_months"], month) < as_of:
        terms += 1
    renewal = later_by_months(start, terms * event["term_months"], month)
    return 1 + months_between(as_of, renewal, month)


def _months_to_booked_end(subscriptions, as_of):
    _, end = subscriptions.spell_at(as_of)
    return NAN if end == NEVER else 1 + months_between(as_of, end, subscriptions.rules.month)


def _booked_mrr_change(subscriptions, as_of):
    ahead = later_by_months(as_of, 6, subscriptions.rules.month)
    now, then = subscriptions.mrr_at(as_of), subscriptions.mrr_at(ahead)
    if not now or not subscriptions.open_at(ahead):
        return 0.0
    return float(Fraction(then - now, now))

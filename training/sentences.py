"""Sentences in plain words: what is known of a customer on a topic, beside what is usual."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from features.expressions import Profile
from features.signal import Signal
from training import topics

_LEAST_USUAL = 0.05
_NOUNS = {
    "payment_failed": ("failed_payments", "failed payment", "failed payments"),
    "support": ("support", "support request", "support requests"),
    "refund": ("refunds", "refund", "refunds"),
    "payment": ("payments", "payment", "payments"),
    "price_rise": ("repricings", "change of price", "changes of price"),
    "pause": ("pauses", "pause", "pauses"),
    "referral": ("referrals", "invitation sent", "invitations sent"),
    "referral_joined": ("newcomers_brought", "newcomer brought", "newcomers brought"),
    "review": ("reviews", "review", "reviews"),
    "contact": ("contacts", "campaign contact", "campaign contacts"),
    "offer": ("offers", "offer accepted", "offers accepted"),
}


@dataclass(frozen=True)
class Facts:
    """Hold what is known of a customer by name of the number, and of the typical one.

    `move` tells the latest move between plans, None where there was none.
    """

    own: Mapping[str, float]
    usual: Mapping[str, float]
    currency: str
    move: str | None = None

    def beside_usual(self, name: str) -> str:
        """Return a number, and what is usual where that differs in print."""
        own, usual = plain(self.own[name]), plain(self.usual[name])
        return own if own == usual else f"{own}, usually {usual}"

    def has(self, name: str) -> bool:
        """Tell whether a number is read and known."""
        return not math.isnan(self.own.get(name, math.nan))


def sentence_of(topic: str, facts: Facts, signals: Sequence[Signal]) -> str:
    """Return the sentence of a topic; `signals` are what was read on it, the most telling first.

    Where no words were found for what is known, the signal speaks for itself.
    """
    said = _TOLD[topic](facts) if topic in _TOLD else _told_by_kind(topic, facts, signals)
    if said or not signals:
        return said or topic
    signal = signals[0]
    sentence = signal.sentence.partition(";")[0].rstrip(".")
    return f"{sentence[:1].lower()}{sentence[1:]}: {facts.beside_usual(signal.name)}"


def plain(value: float) -> str:
    """Return a number in print: no more digits than one reads."""
    if math.isnan(value):
        return "none"
    digits = 0 if abs(value) >= 10 or value == round(value) else 1 if abs(value) >= 1 else 2
    return f"{value:,.{digits}f}"


def money(amount: float, currency: str) -> str:
    """Return an amount with its sign and currency."""
    digits = 0 if abs(amount) >= 9.995 else 2
    return f"{amount:+,.{digits}f} {currency}"


def _told_by_kind(topic: str, facts: Facts, signals: Sequence[Signal]) -> str | None:
    if topic.startswith(topics.MONEY_PREFIX):
        return _beside_the_plan(topic, facts)
    if topic.startswith(topics.ATTRIBUTE_PREFIX):
        return _attribute(facts, signals)
    if topic.startswith("usage:"):
        return _metric(topic.partition(":")[2], facts, signals)
    return _counted(topic, facts) if topic in _NOUNS else None


def _counted(topic: str, facts: Facts) -> str | None:
    """Return how often something happened, in the shortest window in which it did."""
    name, singular, plural = _NOUNS[topic]
    windows = [days for days in (7, 30, 90, 180, 365) if facts.has(f"{name}_{days}d")]
    for days in windows:
        count, usual = facts.own[f"{name}_{days}d"], facts.usual[f"{name}_{days}d"]
        if count > 0:
            noun = singular if count == 1 else plural
            beside = f", usually {plain(usual)}" if usual >= _LEAST_USUAL else ""
            return f"{plain(count)} {noun} in the last {days} days{beside}"
    return f"no {plural} in the last {windows[-1]} days" if windows else None


def _usage(facts: Facts) -> str | None:
    for days in (30, 90, 180):
        name = f"usage_days_{days}d"
        if facts.has(name):
            usual = plain(round(facts.usual[name]))
            return f"used on {plain(facts.own[name])} of the last {days} days, usually {usual}"
    return None


def _metric(metric: str, facts: Facts, signals: Sequence[Signal]) -> str | None:
    for signal in signals:
        if signal.window_days == 30 and signal.unit == metric and facts.has(signal.name):
            return f"{metric} in the last 30 days: {facts.beside_usual(signal.name)}"
    return None


def _price(facts: Facts) -> str | None:
    if not facts.has("mrr"):
        return None
    own, usual = (f"{known['mrr']:,.2f}" for known in (facts.own, facts.usual))
    beside = "" if own == usual else f", usually {usual}"
    return f"pays {own} {facts.currency} a month{beside}"


def _discount(facts: Facts) -> str | None:
    if not facts.has("discount_share"):
        return None
    own, usual = facts.own["discount_share"], facts.usual["discount_share"]
    beside = f", usually {usual:.0%} off" if f"{usual:.0%}" != f"{own:.0%}" else ""
    said = f"pays {own:.0%} less than the list price" if own else "pays the full list price"
    if facts.has("months_to_discount_end"):
        return f"{said}, until {_month_ahead(facts.own['months_to_discount_end'])}"
    return said + beside


def _term(facts: Facts) -> str | None:
    if facts.has("months_to_renewal"):
        due = _month_ahead(facts.own["months_to_renewal"])
        return f"the term of {plain(facts.own['term_months'])} months ends {due}"
    return "from month to month, without a term"


def _notice(facts: Facts) -> str | None:
    if facts.has("days_since_notice"):
        ago = days_ago(facts.own["days_since_notice"])
        return f"asked {ago} to leave, {_end_booked(facts)}"
    if facts.has("months_to_booked_end"):
        return _end_booked(facts)
    if facts.own.get("cancellations", 0) > 0:
        return "asked to leave once, and stayed"
    return "never asked to leave" if facts.has("cancellations") else None


def _end_booked(facts: Facts) -> str:
    if not facts.has("months_to_booked_end"):
        return "no end booked yet"
    return f"the end is booked {_month_ahead(facts.own['months_to_booked_end'])}"


def _tenure(facts: Facts) -> str | None:
    usual = plain(round(facts.usual["tenure_months"]))
    own = facts.own["tenure_months"]
    if own < 1:
        return f"a customer for less than a month, usually {usual}"
    month = "month" if own == 1 else "months"
    return f"a customer for {plain(own)} {month}, usually {usual}"


def _rhythm(facts: Facts) -> str | None:
    if not facts.has("days_since_purchase"):
        return None
    ago = days_ago(facts.own["days_since_purchase"])
    if facts.has("mean_gap_days"):
        return f"bought {ago}, on average every {plain(facts.own['mean_gap_days'])} days"
    return f"bought once, {ago}"


def _basket(facts: Facts) -> str | None:
    own, usual = (f"{known['mean_basket_so_far']:,.2f}" for known in (facts.own, facts.usual))
    return f"spends {own} {facts.currency} a purchase, usually {usual}"


def _beside_the_plan(topic: str, facts: Facts) -> str | None:
    """Return what events bring or cost a month; most often they cost."""
    own, usual = facts.own[topic], facts.usual[topic]
    player = topic.removeprefix(topics.MONEY_PREFIX)
    if own > 0 or usual > 0:
        amounts = f"{own:+,.2f} {facts.currency} a month, usually {usual:+,.2f}"
        return f"what {player} brings and costs: {amounts}"
    who = "causes costs of" if player == "billing" else f"{player} costs"
    return f"{who} {-own:,.2f} {facts.currency} a month, usually {-usual:,.2f}"


def _attribute(facts: Facts, signals: Sequence[Signal]) -> str | None:
    for signal in signals:
        known = signal.expression
        if isinstance(known, Profile) and known.level is None:
            return f"{known.attribute} {facts.beside_usual(signal.name)}"
        if isinstance(known, Profile) and facts.own[signal.name] == 1:
            return f"{known.attribute} is {known.level}"
    return None


def _season(facts: Facts) -> str | None:  # noqa: ARG001 -- one of the told
    return "the time of year"


def _referred(facts: Facts) -> str | None:
    is_referred = facts.own[topics.REFERRED] == 1
    return f"{'' if is_referred else 'not '}referred by another customer"


def days_ago(days: float) -> str:
    """Return how long ago something was."""
    whole = math.floor(days)
    return "today" if whole < 1 else "yesterday" if whole == 1 else f"{whole:,} days ago"


def _month_ahead(month: float) -> str:
    return "within a month" if month <= 1 else f"in month {plain(month)} from now"


_TOLD: dict[str, Callable[[Facts], str | None]] = {
    topics.MOVE: lambda facts: facts.move,
    topics.PRICE: _price,
    topics.DISCOUNT: _discount,
    topics.TERM: _term,
    topics.NOTICE: _notice,
    topics.USAGE_DAYS: _usage,
    topics.RHYTHM: _rhythm,
    topics.BASKET: _basket,
    topics.SEASON: _season,
    topics.REFERRED: _referred,
    "tenure_months": _tenure,
}

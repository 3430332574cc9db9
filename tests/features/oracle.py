"""Every signal of one customer in plain Python: slow, and independent of the kernel.

It knows `CONTRACT.md` and the signals' sentences: datetimes, loops and decimals. Events are
dicts of contract columns. Nothing here imports the product.
"""

from datetime import timedelta
from decimal import Decimal

from tests.features.oracle_subscriptions import (
    NAN,
    list_price,
    minor_units,
    plan_moves,
    plan_state,
)


def signals_of_customer(events, as_of, rules, facts, vocabulary):
    """Return every signal by name; `facts` is the customers row, or an empty dict.

    A signal that is absent from the answer is missing.
    """
    past = Past(events, as_of)
    return {
        **plan_state(past.events, as_of, rules, facts.get("acquired_at")),
        **_plan_moves(past),
        **_billing(past),
        **_usage(past),
        **_support(past),
        **_advocacy(past),
        **_purchases(past),
        **_metrics(past, vocabulary.metrics),
        **_attributes(facts, vocabulary.levels),
    }


class Past:
    """Hold what was visible of one customer, and answer about windows before as_of."""

    def __init__(self, events, as_of):
        visible = [e for e in events if e["occurred_at"] < as_of and e["recorded_at"] < as_of]
        self.events = sorted(visible, key=lambda e: (e["occurred_at"], e["event_id"]))
        self.as_of = as_of

    def within(self, events, days):
        if days is None:
            return events
        return [e for e in events if self.as_of - e["occurred_at"] <= timedelta(days=days)]

    def of(self, kind, days=None, label=None):
        found = [e for e in self.within(self.events, days) if e["kind"] == kind]
        return found if label is None else [e for e in found if e["label"] == label]

    def count(self, kind, days=None, label=None):
        return len(self.of(kind, days, label))

    def money(self, kind, days=None):
        return sum(minor_units(event["amount"]) for event in self.of(kind, days)) / 100

    def quantity(self, metric, days):
        return _thousandths(self.of("usage", days, metric)) / 1000

    def days_since(self, event):
        microseconds = (self.as_of - event["occurred_at"]) // timedelta(microseconds=1)
        return microseconds / 86_400_000_000

    def days_since_latest(self, events):
        return self.days_since(events[-1]) if events else NAN


def _thousandths(events):
    return sum(int((Decimal(repr(e["amount"])) * 1000).to_integral_value()) for e in events)


def _over(dividend, divisor):
    return dividend / divisor if divisor else NAN


def _plan_moves(past):
    moves = {name: [] for name in ("downgrade", "upgrade", "repricing", "discount_ended")}
    for now, before in plan_moves(past.events):
        rise = list_price(now) - list_price(before)
        if now["label"] == before["label"]:
            moves["repricing"] += [now] * (rise != 0)
        else:
            moves["downgrade"] += [now] * (rise < 0)
            moves["upgrade"] += [now] * (rise > 0)
        ended = _is_discounted(before) and not _is_discounted(now)
        moves["discount_ended"] += [now] * ended
    downgrades, upgrades = (_in_order(moves[name]) for name in ("downgrade", "upgrade"))
    return {
        "downgrades_90d": len(past.within(downgrades, 90)),
        "downgrades_365d": len(past.within(downgrades, 365)),
        "upgrades_90d": len(past.within(upgrades, 90)),
        "upgrades_365d": len(past.within(upgrades, 365)),
        "repricings_365d": len(past.within(moves["repricing"], 365)),
        "discounts_ended_90d": len(past.within(moves["discount_ended"], 90)),
        "cancellations": past.count("cancel"),
        "withdrawals": past.count("cancel_withdrawn"),
        "subscriptions_begun": past.count("subscribe"),
        "days_since_downgrade": past.days_since_latest(downgrades),
        "days_since_upgrade": past.days_since_latest(upgrades),
        "days_since_plan_change": past.days_since_latest(past.of("plan_change")),
        "days_since_cancel_withdrawn": past.days_since_latest(past.of("cancel_withdrawn")),
    }


def _in_order(events):
    return sorted(events, key=lambda event: event["occurred_at"])


def _is_discounted(event):
    return minor_units(event["amount"]) < list_price(event)


def _billing(past):
    failed = {f"failed_payments_{n}d": past.count("payment_failed", n) for n in (30, 90, 365)}
    return failed | {
        "days_since_failed_payment": past.days_since_latest(past.of("payment_failed")),
        "refunds_365d": past.count("refund", 365),
        "refunded_share_365d": _over(past.money("refund", 365), past.money("payment", 365)),
        "costs_90d": past.money("cost", 90),
        "costs_365d": past.money("cost", 365),
    }


def _usage(past):
    records = {f"usage_events_{n}d": past.count("usage", n) for n in (7, 30, 90)}
    days = {
        f"usage_days_{n}d": len({e["occurred_at"].date() for e in past.of("usage", n)})
        for n in (30, 90)
    }
    labels = {event["label"] for event in past.of("usage", 30)} - {None}
    recent, whole = past.count("usage", 30) / 30, past.count("usage", 180) / 180
    return {
        **records,
        **days,
        "days_since_usage": past.days_since_latest(past.of("usage")),
        "usage_metrics_30d": len(labels),
        "usage_trend_30d": _over(recent, whole),
    }


def _metrics(past, metrics):
    found = {}
    for metric in metrics:
        found |= {f"{metric}_{days}d": past.quantity(metric, days) for days in (30, 90)}
        recent, whole = past.quantity(metric, 30) / 30, past.quantity(metric, 180) / 180
        found[f"{metric}_trend_30d"] = _over(recent, whole)
    return found


def _support(past):
    requests = {f"support_{days}d": past.count("support", days) for days in (30, 90, 365)}
    resolved = past.count("support_resolved", 90)
    return requests | {
        "support_high_90d": past.count("support", 90, "high"),
        "support_unresolved_90d": past.count("support", 90) - resolved,
        "days_since_support": past.days_since_latest(past.of("support")),
    }


def _advocacy(past):
    rated = [event for event in past.of("review") if event["amount"] is not None]
    latest = _thousandths(rated[-1:]) / 1000 if rated else NAN
    return {
        "referrals": past.count("referral"),
        "newcomers_brought": past.count("referral_joined"),
        "days_since_referral": past.days_since_latest(past.of("referral")),
        "latest_rating": latest,
        "rating_change": latest - _over(_thousandths(rated), 1000 * len(rated)),
        "contacts_90d": past.count("contact", 90),
        "offers_365d": past.count("offer", 365),
    }


def _purchases(past):
    firsts, values = _baskets(past)
    counts = {days: len(past.within(firsts, days)) for days in (30, 90, 180, 365)}
    spent = {days: sum(values[len(values) - n :]) / 100 for days, n in counts.items()}
    oldest = past.days_since(firsts[0]) if firsts else NAN
    latest = past.days_since_latest(firsts)
    mean_gap = _over(oldest - latest, max(0, len(firsts) - 1))
    mean_basket = _over(sum(values) / 100, len(firsts))
    return {
        **{f"purchases_{days}d": number for days, number in counts.items()},
        **{f"spend_{days}d": money for days, money in spent.items() if days != 180},
        "repeat_purchases": max(0, len(firsts) - 1),
        "days_since_purchase": latest,
        "days_since_first_purchase": oldest,
        "age_at_latest_purchase": oldest - latest,
        "mean_gap_days": mean_gap,
        "gap_ratio": _over(latest, mean_gap),
        "mean_basket": mean_basket,
        "basket_trend": _over(_over(spent[180], counts[180]), mean_basket),
        "latest_basket": values[-1] / 100 if values else NAN,
        "purchase_trend_90d": _over(counts[90] / 90, counts[365] / 365),
        "categories_180d": len({e["label"] for e in past.of("payment", 180)} - {None}),
    }


def _baskets(past):
    """Return the first line and the value in cents of each purchase, oldest first."""
    lines_of = {}
    for number, line in enumerate(past.of("payment")):
        lines_of.setdefault(line["basket_id"] or number, []).append(line)
    values = [sum(minor_units(line["amount"]) for line in lines) for lines in lines_of.values()]
    return [lines[0] for lines in lines_of.values()], values


def _attributes(facts, levels):
    found = {}
    for name, known in levels.items():
        if known is None:
            value = facts.get(name)
            found[name] = NAN if value is None else float(value)
        else:
            has = {f"{name}_is_{level}".lower(): facts.get(name) == level for level in known}
            found |= has
    return found

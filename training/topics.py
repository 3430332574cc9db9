"""Topics: what signals are about, whatever their windows, so that one sentence can tell it."""

from features.expressions import OtherLevel, PlanState, Profile, Referred, Season
from features.signal import Signal
from training.players import PATH, Input, leaves

MOVE, PRICE, DISCOUNT, TERM, NOTICE = "move", "price", "discount", "term", "notice"
USAGE_DAYS, RHYTHM, BASKET = "usage", "purchase", "basket"
SEASON, REFERRED = "season", "was_referred"
MONEY_PREFIX, ATTRIBUTE_PREFIX = "money_", "attribute:"
_BY_PLAN_STATE = {
    **dict.fromkeys(
        ("mrr", "list_mrr", "is_paused", "ladder_place", "price_to_plan_price", "price_to_cohort"),
        PRICE,
    ),
    **dict.fromkeys(("mrr_change_90d", "mrr_change_365d", "months_on_plan"), MOVE),
    **dict.fromkeys(("discount_share", "months_to_discount_end"), DISCOUNT),
    **dict.fromkeys(("term_months", "months_to_renewal"), TERM),
    **dict.fromkeys(("months_to_booked_end", "days_since_notice"), NOTICE),
}
_BY_HAPPENING = {
    **dict.fromkeys(("downgrade", "upgrade", "downgrade_to_floor", "plan_change"), MOVE),
    **dict.fromkeys(("discount_begun", "discount_ended"), DISCOUNT),
    **dict.fromkeys(("cancel", "cancel_withdrawn"), NOTICE),
    **dict.fromkeys(("repricing", "price_rise", "price_cut"), "price_rise"),
    **dict.fromkeys(("repeat_purchase", "purchase_gap"), RHYTHM),
    "failure_recovered": "payment_failed",
    "support_resolved": "support",
}
_OF_INPUTS = {
    PATH: PRICE,
    "repeat_purchases_so_far": RHYTHM,
    "weeks_from_first_to_latest": RHYTHM,
    "weeks_since_first": RHYTHM,
    "purchases_so_far": BASKET,
    "mean_basket_so_far": BASKET,
}


def topic_of(number: Input) -> str:
    """Return what a number that a model reads is about."""
    if number.signal is None:
        return _OF_INPUTS.get(number.name, number.name)
    if number.player == "baskets":
        return BASKET
    return _topic_of_signal(number.signal)


def _topic_of_signal(signal: Signal) -> str:
    first = next(leaves(signal.expression))
    if isinstance(first, PlanState):
        return _BY_PLAN_STATE.get(first.name, first.name)
    if isinstance(first, Profile | OtherLevel):
        return f"{ATTRIBUTE_PREFIX}{first.attribute}"
    if isinstance(first, Season):
        return SEASON
    if isinstance(first, Referred):
        return REFERRED
    happening: str = getattr(first, "happening", signal.name)
    kind, _, label = happening.partition(":")
    return happening if kind == "usage" and label else _BY_HAPPENING.get(kind, kind)

"""Signals of the plan: price, moves up and down, discounts, renewal, booked changes."""

from collections.abc import Iterator

from features.expressions import Count, CountSince, DaysSince, PlanState, Total
from features.signal import SUBSCRIPTION, Family, Risk, Signal

_PLAN = Family("plan", SUBSCRIPTION)
_MRR = PlanState("mrr")


def _state(name: str, sentence: str, unit: str, risk: Risk = "depends") -> Signal:
    return _PLAN.signal(name, sentence, unit, PlanState(name), risk)


def _counts(
    happening: str, plural: str, what: str, days: tuple[int, ...], risk: Risk = "depends"
) -> Iterator[Signal]:
    return _PLAN.windows(plural, what, "count", lambda n: Count(happening, n), days, risk)


def _since(happening: str, what: str, risk: Risk = "depends") -> Signal:
    sentence = f"Days since the latest {what}; missing where there was none."
    name = f"days_since_{happening}"
    return _PLAN.signal(name, sentence, "days", DaysSince(happening), risk)


def _ever(happening: str, plural: str, what: str, risk: Risk) -> Signal:
    return _PLAN.signal(plural, f"{what} so far.", "count", Count(happening), risk)


_PRICE = (
    _state("mrr", "Monthly recurring revenue charged now.", "money"),
    _state("list_mrr", "Monthly recurring revenue before discount.", "money"),
    _state(
        "ladder_place",
        "Share of the other plans on the ladder now in force that are cheaper than the main plan.",
        "share",
    ),
    _state(
        "price_to_plan_price",
        "List price of the main plan over what the ladder now in force asks for it.",
        "ratio",
    ),
    _state(
        "price_to_cohort",
        "MRR before discount over the median of customers who began in the same month.",
        "ratio",
        "rises",
    ),
    *(
        _PLAN.signal(
            f"mrr_change_{days}d",
            f"MRR now over MRR {days} days ago, less 1; missing where nothing was charged then.",
            "share",
            PlanState(f"mrr_change_{days}d"),
            "falls",
            days=days,
        )
        for days in (90, 365)
    ),
    _state("is_paused", "Whether a plan that has a price is paused now.", "flag", "rises"),
    _PLAN.signal(
        "contractions_365d",
        "Times in the last 365 days that fewer subscriptions were open than before, but still one.",
        "count",
        PlanState("contractions_365d"),
        "rises",
        days=365,
    ),
)
_TERM = (
    _state(
        "months_on_plan", "Whole months since the main plan or its price last changed.", "months"
    ),
    _state("term_months", "Term of the main plan; 0 is from month to month.", "months", "falls"),
    _state("months_to_renewal", "In which month ahead the main plan's term ends.", "months"),
    _state(
        "months_to_booked_end",
        "In which month ahead the end falls that is booked, or due because terms lapse.",
        "months",
        "rises",
    ),
    _state(
        "days_since_notice",
        "Days since the earliest standing notice was given; missing where there is none.",
        "days",
        "rises",
    ),
    _state(
        "booked_mrr_change",
        "Change of MRR booked for the next six months; 0 where the end is booked.",
        "share",
    ),
    _state("discount_share", "Share of the list price that is not charged.", "share"),
    _state(
        "months_to_discount_end",
        "In which month ahead the main plan's discount ends as booked; missing where none does.",
        "months",
        "rises",
    ),
)
_DOWN = (
    *_counts("downgrade", "downgrades", "Moves to a cheaper plan", (30, 90, 180, 365), "rises"),
    _ever("downgrade", "downgrades", "Moves to a cheaper plan", "rises"),
    _PLAN.signal(
        "downgrades_in_a_row",
        "Moves to a cheaper plan since the latest move to a dearer one.",
        "count",
        CountSince("downgrade", "upgrade"),
        "rises",
    ),
    _PLAN.signal(
        "downgraded_share_365d",
        "List price given up by downgrades in the last 365 days, over that and MRR now.",
        "share",
        Total("downgrade", 365) / (Total("downgrade", 365) + _MRR),
        "rises",
        days=365,
    ),
    _since("downgrade", "move to a cheaper plan", "falls"),
    *_counts(
        "downgrade_to_floor",
        "downgrades_to_floor",
        "Moves to the cheapest plan on the ladder now in force",
        (365,),
        "rises",
    ),
    _since("downgrade_to_floor", "move to the cheapest plan on the ladder", "falls"),
)
_UP = (
    *_counts("upgrade", "upgrades", "Moves to a dearer plan", (30, 90, 180, 365), "falls"),
    _ever("upgrade", "upgrades", "Moves to a dearer plan", "falls"),
    _PLAN.signal(
        "upgrades_in_a_row",
        "Moves to a dearer plan since the latest move to a cheaper one.",
        "count",
        CountSince("upgrade", "downgrade"),
        "falls",
    ),
    _PLAN.signal(
        "upgraded_share_365d",
        "List price added by upgrades in the last 365 days over MRR now.",
        "share",
        Total("upgrade", 365) / _MRR,
        "falls",
        days=365,
    ),
    _since("upgrade", "move to a dearer plan"),
)
_OTHER_MOVES = (
    *_counts(
        "repricing", "repricings", "Changes of list price within the same plan", (365,), "rises"
    ),
    *_counts("price_rise", "price_rises", "Rises of the same plan's list price", (90,), "rises"),
    _PLAN.signal(
        "price_rise_share_365d",
        "List price added by rises within the same plan in the last 365 days over MRR now.",
        "share",
        Total("price_rise", 365) / _MRR,
        "rises",
        days=365,
    ),
    _since("price_rise", "rise of the same plan's list price", "falls"),
    *_counts("pause", "pauses", "Pauses", (365,), "rises"),
    _since("pause", "pause", "falls"),
    *_counts(
        "discount_begun",
        "discounts_begun",
        "Discounts that began on a running subscription",
        (365,),
    ),
    *_counts("discount_ended", "discounts_ended", "Discounts that ended", (90,), "rises"),
    _since("discount_ended", "end of a discount", "falls"),
    _since("plan_change", "plan change that was asked for"),
    _ever("renew", "renewals", "Renewals", "falls"),
    _ever("cancel", "cancellations", "Cancellations asked for", "rises"),
    _ever("cancel_withdrawn", "withdrawals", "Cancellations withdrawn", "rises"),
    _since("cancel_withdrawn", "withdrawn cancellation", "falls"),
)

SIGNALS = (*_PRICE, *_TERM, *_DOWN, *_UP, *_OTHER_MOVES)

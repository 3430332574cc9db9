"""Signals of the plan: price, moves up and down, discounts, renewal, booked changes."""

from features.expressions import Count, DaysSince, PlanState
from features.signal import Risk, Signal


def _state(name: str, sentence: str, unit: str, risk: Risk = "depends") -> Signal:
    return Signal(name, sentence, unit, PlanState(name), "plan", risk, contracts=("subscription",))


def _moves(
    happening: str, plural: str, sentence: str, days: int | None, risk: Risk = "depends"
) -> Signal:
    window = f"_{days}d" if days else ""
    when = f"in the last {days} days" if days else "so far"
    return Signal(
        f"{plural}{window}",
        f"{sentence} {when}.",
        "count",
        Count(happening, days),
        "plan",
        risk,
        days,
        ("subscription",),
    )


def _since(happening: str, sentence: str, risk: Risk = "depends") -> Signal:
    return Signal(
        f"days_since_{happening}",
        f"Days since the latest {sentence}; missing where there was none.",
        "days",
        DaysSince(happening),
        "plan",
        risk,
        contracts=("subscription",),
    )


SIGNALS = (
    _state("mrr", "Monthly recurring revenue charged now.", "money"),
    _state("list_mrr", "Monthly recurring revenue before discount.", "money"),
    _state("discount_share", "Share of the list price that is not charged.", "share"),
    _state(
        "months_on_plan", "Whole months since the main plan or its price last changed.", "months"
    ),
    _state("term_months", "Term of the main plan; 0 is from month to month.", "months", "falls"),
    _state("months_to_renewal", "In which month ahead the main plan's term ends.", "months"),
    _state("months_to_booked_end", "In which month ahead the booked end falls.", "months", "rises"),
    _state(
        "booked_mrr_change",
        "Change of MRR booked for the next six months; 0 where the end is booked.",
        "share",
    ),
    _moves("downgrade", "downgrades", "Moves to a cheaper plan", 90, "rises"),
    _moves("downgrade", "downgrades", "Moves to a cheaper plan", 365, "rises"),
    _moves("upgrade", "upgrades", "Moves to a dearer plan", 90, "falls"),
    _moves("upgrade", "upgrades", "Moves to a dearer plan", 365, "falls"),
    _moves("repricing", "repricings", "Changes of list price within the same plan", 365, "rises"),
    _moves("discount_ended", "discounts_ended", "Discounts that ended", 90, "rises"),
    _moves("cancel", "cancellations", "Cancellations asked for", None, "rises"),
    _moves("cancel_withdrawn", "withdrawals", "Cancellations withdrawn", None, "rises"),
    _since("downgrade", "move to a cheaper plan", "falls"),
    _since("upgrade", "move to a dearer plan"),
    _since("plan_change", "plan change"),
    _since("cancel_withdrawn", "withdrawn cancellation", "falls"),
)

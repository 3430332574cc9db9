"""Players: who, of the groups of signals, answers for which number that a model reads.

An explanation shares CLV out among players. A player is a group of signals, with the money that
events of its kind bring and cost; in a shop, purchases are two: their rhythm, and their baskets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from features.contract import KIND_CODES
from features.expressions import Arithmetic, Expression, Largest, Latest, Total
from features.signal import Contract, Signal
from training.business import Business

PLAN, TENURE, BILLING = "plan", "tenure", "billing"
RHYTHM, BASKETS = "rhythm", "baskets"
PATH = "margin_path"
"""Name of the margin along the plan among the numbers that a model reads."""
_OF_KIND = {
    **dict.fromkeys(("payment", "refund", "payment_failed", "cost"), BILLING),
    **dict.fromkeys(("support", "support_resolved"), "support"),
    **dict.fromkeys(("review", "referral", "referral_joined"), "advocacy"),
    **dict.fromkeys(("contact", "offer", "assignment"), "contacts"),
    "usage": "usage",
}


@dataclass(frozen=True)
class Input:
    """Name a number that a model reads of a customer, with its player; a signal or none."""

    name: str
    player: str
    signal: Signal | None = None


def input_of(signal: Signal, contract: Contract) -> Input:
    """Return a signal as an input of a model."""
    player = signal.group if contract == "subscription" else _in_shop(signal)
    return Input(signal.name, player, signal)


def player_of_kind(kind: str, contract: Contract) -> str:
    """Return the player who answers for the money that events of a kind bring and cost."""
    if contract == "transactional" and kind == "payment":
        return RHYTHM
    return _OF_KIND.get(kind, PLAN)


def money_players(business: Business) -> tuple[str, ...]:
    """Return the players whose events bring or cost money beside plan and purchases.

    Billing is always the first: refunds, costs caused and extra revenue are there unannounced.
    """
    kinds = (key.partition(":")[0] for key in business.cost_to_serve)
    served = [player_of_kind(kind, business.contract) for kind in kinds if kind in KIND_CODES]
    return tuple(dict.fromkeys([BILLING, *served]))


def leaves(expression: Expression) -> Iterator[Expression]:
    """Yield what an expression is made of, from left to right, arithmetic apart."""
    if isinstance(expression, Arithmetic):
        yield from leaves(expression.left)
        yield from leaves(expression.right)
    else:
        yield expression


def _in_shop(signal: Signal) -> str:
    """Return the player of a shop's signal: how long they have bought is part of the rhythm."""
    if signal.group not in {TENURE, "purchases"}:
        return signal.group
    return BASKETS if any(map(_is_of_baskets, leaves(signal.expression))) else RHYTHM


def _is_of_baskets(leaf: Expression) -> bool:
    happening = getattr(leaf, "happening", None)
    is_money = isinstance(leaf, Total | Largest | Latest) and happening == "purchase"
    return is_money or happening == "payment"

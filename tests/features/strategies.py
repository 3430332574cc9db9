"""Strategies for Hypothesis: random histories, instants and rules; see `random_events`."""

from hypothesis import strategies as st

from features.rules import CustomerRules
from tests.features.random_events import METRICS, RANDOM_RULES, random_as_of, random_customer

__all__ = ["AS_OF", "CUSTOMERS", "METRICS", "ROLLS", "RULES", "histories"]

CUSTOMERS = ("ann", "bob", "cem")
ROLLS = CustomerRules(contract="subscription", currency="EUR")

RANDOMS = st.randoms(use_true_random=False)
AS_OF = RANDOMS.map(random_as_of)
RULES = st.sampled_from([rules for rules in RANDOM_RULES if rules.currency == "EUR"])


def histories(max_size=30):
    """Return lists of contract events of three customers, as dicts, event ids unique."""
    most = max_size // len(CUSTOMERS)
    return RANDOMS.map(
        lambda rng: [event for who in CUSTOMERS for event in random_customer(rng, who, most)]
    )

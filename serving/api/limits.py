"""How much one call may ask for; beyond it the call is refused, never cut short."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Hold the limits of one call; /docs and the OpenAPI document name them."""

    body_bytes: int = 10_000_000
    customers: int = 1_000
    events: int = 200_000
    explained_customers: int = 20
    horizon_months: int = 240


LIMITS = Limits()

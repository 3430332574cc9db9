"""Control groups: by a stable draw, so that nobody changes arm and a larger share keeps the old.

A customer's draw in a campaign is the hash of both names, so that draws of campaigns have nothing
to do with each other. Whose draw lies below the share is in the control group.
"""

import hashlib

CONTROL, TREATED = "control", "treated"
_BITS = 53
"""As many as a float holds: the draw is exact, and below 1."""


def draw_of(campaign: str, customer_id: str) -> float:
    """Return a customer's draw in a campaign, uniform in [0, 1) over customers.

    Examples
    --------
    >>> draw_of("stay", "C1") == draw_of("stay", "C1") != draw_of("win-back", "C1")
    True
    """
    digest = hashlib.sha256(f"{campaign}\0{customer_id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> (64 - _BITS)) / 2**_BITS


def arm_of(draw: float, control_share: float) -> str:
    """Return the arm of whoever has this draw."""
    return CONTROL if draw < control_share else TREATED

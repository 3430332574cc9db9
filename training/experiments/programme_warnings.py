"""What a reader of a programme's effects must know, in sentences."""

from collections.abc import Iterator

import numpy as np

from training.experiments.programme import ProgrammeMeasurement
from valuation.doubly_robust import BALANCED_BELOW

_FEW_EFFECTIVE = 100
_MANY_BEYOND = 0.05
_MUCH_AS_MEMBER = 0.1


def programme_warnings(found: ProgrammeMeasurement) -> Iterator[str]:
    """Yield what holds of this measurement; what it assumes comes first."""
    yield (
        "nobody was randomised: members chose to join. The effect is right only if signals as of "
        "the day of joining say everything that bears on both joining and outcomes; zeal, or a "
        "friend's advice, is in no signal and would be counted as the programme's work. No figure "
        "here can show that; an experiment can"
    )
    yield from _of_those_who_joined_later(found)
    worst = float(np.abs(found.balance.after).max())
    unbalanced = int((np.abs(found.balance.after) >= BALANCED_BELOW).sum())
    if unbalanced:
        yield (
            f"{unbalanced} of {len(found.names)} covariates differ by {BALANCED_BELOW} standard "
            f"deviations or more after weighting, the worst by {worst:.2f}: there the comparison "
            "leans on the outcome model"
        )
    if found.overlap.beyond > _MANY_BEYOND:
        yield (
            f"{found.overlap.beyond:.0%} of the members have no customers like them and are left "
            "out: the effect is that of the others"
        )
    if found.overlap.effective < _FEW_EFFECTIVE:
        yield (
            f"the comparison rests on few: weights leave {found.overlap.effective:,.0f} of "
            f"{found.overlap.n_comparisons:,} customers"
        )
    if found.n_followed < found.n_members:
        yield (
            f"{found.n_members - found.n_followed:,} of {found.n_members:,} members are left out: "
            "their window is not over, or they were no customers on the day they joined"
        )


def _of_those_who_joined_later(found: ProgrammeMeasurement) -> Iterator[str]:
    if found.n_joined_later:
        is_grave = found.as_member > _MUCH_AS_MEMBER
        yield (
            f"{'the effect is pulled towards nothing: ' if is_grave else ''}"
            f"{found.n_joined_later:,} of the customers compared joined within the window "
            f"themselves; weighted, those compared were members for {found.as_member:.0%} of it, "
            "and about that share of what the programme does is not seen"
        )

"""`[retraining]`: when a retraining is due, and what a challenger must be to be promoted."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_Share = Annotated[float, Field(ge=0, le=1, strict=True)]
_Count = Annotated[int, Field(ge=1, strict=True)]


class RetrainingRules(BaseModel):
    """Hold the bounds that the retraining job goes by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_days: _Count = Field(
        default=30, description="a whole number of days, 1 or more, after which it is due"
    )
    retry_days: _Count = Field(
        default=7,
        description="a whole number of days, 1 or more, to wait after a version was refused",
    )
    new_outcomes: _Count = Field(
        default=500,
        description="a whole number of new exits, in a shop purchases, that make it due",
    )
    equity_moved: _Share = Field(
        default=0.1,
        description="a share of customer equity, from 0 to 1, that drift must move to make it due",
    )
    false_alarm_rate: float = Field(
        default=0.01,
        gt=0,
        le=0.2,
        strict=True,
        description="a share above 0 and up to 0.2: how often a test may cry wolf",
    )
    compare_months: _Count = Field(
        default=3, description="a whole number of months, 1 or more, that comparisons look ahead"
    )
    compare_cutoffs: _Count = Field(
        default=2, le=12, description="a whole number from 1 to 12 of cutoffs to compare at"
    )
    worse_by: _Share = Field(
        default=0.01,
        description="a share of the champion's loss, from 0 to 1, that counts as nothing",
    )
    volume_change: float = Field(
        default=0.4,
        gt=0,
        lt=1,
        strict=True,
        description="a share above 0 and below 1 by which a month's events may fall short",
    )
    max_age_days: float | None = Field(
        default=None,
        gt=0,
        description="a number of days above 0: the newest event may not be older",
    )
    median_move: float = Field(
        default=0.3,
        gt=0,
        description="a share above 0 by which the CLV of unchanged customers may move",
    )
    model_megabytes: float = Field(
        default=200.0, gt=0, description="a number above 0: how large a model may be"
    )
    score_seconds: float = Field(
        default=1.0, gt=0, description="a number above 0: how long one customer's score may take"
    )

"""The part of `[business]` that says when a customer is one, and until when we know it."""

from datetime import datetime
from functools import cached_property
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator


class CustomerRules(BaseModel):
    """Hold the conventions that features, labels and reports share.

    `month` is `"calendar"` or a number of days; times are UTC. `observed_from` and
    `observed_until` bound what is known completely; None means the span of the events.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)

    contract: Literal["subscription", "transactional"]
    currency: str
    month: Literal["calendar"] | float = "calendar"
    term_end: Literal["rolls", "lapses"] = "rolls"
    rejoin_grace_days: int = Field(default=30, ge=0)
    churn_window_months: int = Field(default=3, ge=1)
    observed_from: AwareDatetime | None = None
    observed_until: AwareDatetime | None = None

    @field_validator("currency")
    @classmethod
    def _is_known_currency(cls, currency: str) -> str:
        from babel.numbers import list_currencies

        if currency not in list_currencies():
            raise ValueError("expected an ISO 4217 code such as EUR, USD or GBP")
        return currency

    @field_validator("month")
    @classmethod
    def _is_plausible_month(cls, month: str | float) -> str | float:
        if not isinstance(month, str) and not 1 <= month <= 366:
            raise ValueError('expected "calendar" or a number of days from 1 to 366')
        return month

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "CustomerRules":
        if self.observed_from and self.observed_until and self.observed_from >= self.observed_until:
            raise ValueError(
                f"observed_until {self.observed_until:%Y-%m-%d} must be later than "
                f"observed_from {self.observed_from:%Y-%m-%d}"
            )
        return self

    @cached_property
    def minor_units(self) -> int:
        """Minor units in one unit of the currency: 100 for EUR, 1 for JPY."""
        from babel.numbers import get_currency_precision

        return int(10 ** get_currency_precision(self.currency))

    def observed_bounds(self, first: datetime, last: datetime) -> tuple[datetime, datetime]:
        """Return the configured bounds of observation, else the span of the events."""
        return self.observed_from or first, self.observed_until or last

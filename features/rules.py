"""The part of `[business]` that signals need: who is a customer, when, and what is revenue."""

from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)


def _instant_from_toml(value: Any) -> Any:
    """Read a date as 00:00 UTC; a bare number is no instant."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    if isinstance(value, int | float):
        raise ValueError(f"expected {_INSTANT}")  # noqa: TRY004 (pydantic collects ValueErrors)
    return value


_TWO_DIGITS = "AFN ALL IRR KPW LAK LBP MGA MMK RSD SOS SYP YER"
_DIGITS_BY_ISO = {"IQD": 3} | dict.fromkeys(_TWO_DIGITS.split(" "), 2)
"""Minor units of ISO 4217 where prices in daily life have none, and the locale data says so."""
LARGEST_SCALE = 10**9


def _power_of_ten(scale: int) -> int:
    if str(scale).strip("0") != "1" or scale > LARGEST_SCALE:
        raise ValueError(f"expected a power of ten from 1 to {LARGEST_SCALE}")
    return scale


UsageScale = Annotated[
    dict[
        Annotated[str, Field(min_length=1)],
        Annotated[int, Field(strict=True), AfterValidator(_power_of_ten)],
    ],
    Field(
        description="a table of metrics, each with a power of ten "
        f"from 1 to {LARGEST_SCALE} such as 1000000"
    ),
]
"""How many of the integers that usage is held in make a unit of a metric."""
ObservationBound = Annotated[AwareDatetime, BeforeValidator(_instant_from_toml)]
_INSTANT = "a date (00:00 UTC), or a time with zone such as 2024-01-01T00:00:00Z"


class CustomerRules(BaseModel):
    """Hold the conventions that features, labels and reports share.

    `month` is `"calendar"` or a number of days; times are UTC. `observed_from` and
    `observed_until` bound what is known completely; None means the span of the events.
    `usage_scale` comes from `[features]`. A field's description is what a person is told to give
    when the value cannot be used.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)

    contract: Literal["subscription", "transactional"] = Field(
        description='"subscription" or "transactional"'
    )
    currency: str = Field(description="an ISO 4217 code such as EUR, USD or GBP")
    month: Literal["calendar"] | float = Field(
        default="calendar", description='"calendar" or a number of days from 1 to 366'
    )
    term_end: Literal["rolls", "lapses"] = Field(default="rolls", description='"rolls" or "lapses"')
    rejoin_grace_days: int = Field(
        default=30, ge=0, strict=True, description="a whole number of days, 0 or more"
    )
    churn_window_months: Literal[1, 3, 6, 12] = Field(
        default=3, description="1, 3, 6 or 12, the windows that scores name"
    )
    revenue: Literal["mrr", "payments"] = Field(default="mrr", description='"mrr" or "payments"')
    extra_revenue: tuple[str, ...] = Field(
        default=(), description='a list of payment labels such as ["setup fee"]'
    )
    observed_from: ObservationBound | None = Field(default=None, description=_INSTANT)
    observed_until: ObservationBound | None = Field(default=None, description=_INSTANT)
    usage_scale: UsageScale = {}

    @model_validator(mode="before")
    @classmethod
    def _revenue_follows_contract(cls, table: Any) -> Any:
        if isinstance(table, dict) and table.get("contract") == "transactional":
            return {"revenue": "payments"} | table
        return table

    @property
    def risk_months(self) -> int:
        """Months within which leaving makes the risk of a segment: a shop says what it means."""
        return self.churn_window_months if self.contract == "transactional" else 3

    @field_validator("revenue")
    @classmethod
    def _revenue_fits_contract(cls, revenue: str, info: ValidationInfo) -> str:
        if info.data.get("contract") == "transactional" and revenue == "mrr":
            raise ValueError('a transactional business has revenue = "payments"')
        return revenue

    @field_validator("extra_revenue")
    @classmethod
    def _is_not_counted_twice(
        cls, labels: tuple[str, ...], info: ValidationInfo
    ) -> tuple[str, ...]:
        if labels and info.data.get("revenue") == "payments":
            raise ValueError('it goes with revenue = "mrr"; payments all count already')
        if not all(label.strip() for label in labels):
            raise ValueError("expected labels with text; a payment without label bears none")
        repeated = sorted({label for label in labels if labels.count(label) > 1})
        if repeated:
            raise ValueError(
                f"expected each label once, {', '.join(map(repr, repeated))} comes again"
            )
        return labels

    @field_validator("currency")
    @classmethod
    def _is_known_currency(cls, currency: str) -> str:
        from babel.numbers import list_currencies

        if currency not in list_currencies():
            raise ValueError("expected an ISO 4217 code such as EUR, USD or GBP")
        return currency

    @field_validator("month", mode="before")
    @classmethod
    def _is_plausible_month(cls, month: Any) -> Any:
        is_number = isinstance(month, int | float) and not isinstance(month, bool)
        if month != "calendar" and not (is_number and 1 <= month <= 366):
            raise ValueError('expected "calendar" or a number of days from 1 to 366')
        return month

    @field_validator("observed_until")
    @classmethod
    def _ends_after_it_begins(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        since = info.data.get("observed_from")
        if since and until and until <= since:
            raise ValueError(f"expected an instant later than observed_from, {since:%Y-%m-%d}")
        return until

    @cached_property
    def minor_units(self) -> int:
        """Minor units in one unit of the currency: 100 for EUR, 1 for JPY."""
        from babel.numbers import get_currency_precision

        usual = get_currency_precision(self.currency)
        return int(10 ** max(usual, _DIGITS_BY_ISO.get(self.currency, 0)))

    def observed_bounds(self, first: datetime, last: datetime) -> tuple[datetime, datetime]:
        """Return the configured bounds of observation, else the span of the events."""
        return self.observed_from or first, self.observed_until or last

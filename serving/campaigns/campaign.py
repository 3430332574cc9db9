"""Campaigns and the rules they share, as `keepworth.toml` declares them."""

from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from features.contract import KIND_CODES
from serving.campaigns.expressions import Expression, parse
from training.business import Share
from training.exit_kinds import WITHIN_MONTHS

NIGHT = "night"
"""What a campaign waits for that judges the portfolio as a whole."""
GLOBAL = "global"
"""Names the control group of all campaigns together; no campaign bears it."""
_OWN_KINDS = frozenset({"assignment", "contact"})
_CONDITION = "a SQL condition over signals and scores, such as churn_3m > 0.2 AND tenure_months > 6"


def _instant(value: Any) -> Any:
    """Read a date as 00:00 UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    if isinstance(value, int | float):
        raise ValueError(f"expected {_INSTANT}")  # noqa: TRY004 -- pydantic collects ValueErrors
    return value


def _condition(text: str) -> str:
    parse(text)
    return text


def _occasion(kind: str) -> str:
    if kind != NIGHT and (kind not in KIND_CODES or kind in _OWN_KINDS):
        kinds = ", ".join(each for each in KIND_CODES if each not in _OWN_KINDS)
        raise ValueError(f'expected "{NIGHT}", or kinds of events among {kinds}')
    return kind


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("expected a zone of the IANA database such as UTC or Europe/Vienna")
    return name


_INSTANT = "a date (00:00 UTC), or a time with zone such as 2026-01-01T00:00:00Z"
Condition = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_condition)]
Occasion = Annotated[str, AfterValidator(_occasion)]
Moment = Annotated[AwareDatetime, BeforeValidator(_instant)]
Money = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False, strict=True)]
Positive = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False, strict=True)]


class Campaign(BaseModel):
    """State whom a campaign is for, what it offers and costs, and what is assumed of answers.

    Rates are assumptions until they are measured. Money in major units.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="a name of small letters, digits and hyphens, such as stay-with-us",
    )
    audience: Condition = Field(description=_CONDITION)
    eligible: Condition = Field(default="true", description=_CONDITION)
    on: list[Occasion] = Field(
        default=[NIGHT],
        min_length=1,
        description=f'a list of kinds of events, or ["{NIGHT}"] for the whole portfolio by night',
    )
    offer: str = Field(min_length=1, max_length=500, description="what the customer is offered")
    contact_cost: Money = Field(description="an amount of money, 0 or more, for each contact")
    offer_cost: Money = Field(description="an amount of money, 0 or more, for each accepted offer")
    save_rate: Share = Field(
        description="a share from 0 to 1: of would-be leavers, who stay for it"
    )
    save_rate_weight: Positive = Field(
        default=20.0,
        description="a number above 0: the save rate counts as seen on so many leavers",
    )
    stayer_acceptance: Share = Field(
        description="a share from 0 to 1: of those who would stay anyway, who take the offer too"
    )
    disturbed_share: Share = Field(
        default=0.0,
        description="a share from 0 to 1: of those who would stay, who leave as they are contacted",
    )
    window_months: Annotated[int, Field(ge=1, le=36, strict=True)] = Field(
        default=WITHIN_MONTHS,
        description="a whole number of months from 1 to 36: for so long a contact works on who "
        "leaves, and the rates are of who would leave, or stay, within them",
    )
    hazard_ratio_if_saved: Annotated[float, Field(ge=0, le=100, strict=True)] = Field(
        default=1.0,
        description="a number from 0 to 100: the risk of a saved customer, in multiples of the "
        "forecast one",
    )
    requires_consent: bool = Field(default=True, strict=True, description="true or false")
    cooldown_days: Annotated[float, Field(ge=0, le=3660, strict=True)] = Field(
        default=90.0,
        description="days, 0 or more, until the campaign takes the same customer again",
    )
    daily_budget: Money | None = Field(default=None, description="an amount of money, 0 or more")
    monthly_budget: Money | None = Field(default=None, description="an amount of money, 0 or more")
    control_share: Annotated[float, Field(ge=0, lt=1, strict=True)] = Field(
        default=0.1, description="a share from 0 up to, not including, 1"
    )
    starts: Moment | None = Field(default=None, description=_INSTANT)
    ends: Moment | None = Field(default=None, description=_INSTANT)

    @field_validator("name")
    @classmethod
    def _is_no_reserved_name(cls, name: str) -> str:
        if name == GLOBAL:
            raise ValueError("expected another name: this one stands for all campaigns together")
        return name

    @field_validator("daily_budget", "monthly_budget")
    @classmethod
    def _affords_a_contact(cls, budget: float | None, info: ValidationInfo) -> float | None:
        most = info.data.get("contact_cost", 0.0) + info.data.get("offer_cost", 0.0)
        if budget is not None and budget < most:
            raise ValueError(
                f"expected at least {most:g}, which one contact may cost with its offer, or no "
                "budget"
            )
        return budget

    @field_validator("ends")
    @classmethod
    def _ends_after_it_starts(cls, ends: datetime | None, info: ValidationInfo) -> datetime | None:
        starts = info.data.get("starts")
        if ends and starts and ends <= starts:
            raise ValueError(f"expected an instant after starts, {starts.isoformat()}")
        return ends

    @property
    def reserved(self) -> float:
        """What one contact may cost at most: it counts against the budgets until it is answered."""
        return self.contact_cost + self.offer_cost

    @cached_property
    def conditions(self) -> dict[str, Expression]:
        """The audience and who of it may be contacted at all, parsed, by their keys."""
        return {"audience": parse(self.audience), "eligible": parse(self.eligible)}

    def is_live(self, now: datetime) -> bool:
        """Return whether it runs at an instant: from `starts` until before `ends`."""
        has_begun = self.starts is None or self.starts <= now
        return has_begun and (self.ends is None or now < self.ends)


class ContactRules(BaseModel):
    """State what holds for all campaigns together: caps, quiet hours, the global control group."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="a zone of the IANA database such as UTC or Europe/Vienna"
    )
    quiet_from: time | None = Field(default=None, description="a time of day such as 20:00:00")
    quiet_until: time | None = Field(
        default=None, validate_default=True, description="a time of day such as 08:00:00"
    )
    most_contacts: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = Field(
        default=None, description="a whole number, 1 or more: of all campaigns, in within_days"
    )
    within_days: Annotated[float, Field(gt=0, le=3660, strict=True)] = Field(
        default=30.0, description="days, above 0"
    )
    global_control_share: Annotated[float, Field(ge=0, lt=1, strict=True)] = Field(
        default=0.0, description="a share from 0 up to, not including, 1"
    )

    @field_validator("quiet_until")
    @classmethod
    def _quiet_has_two_ends(cls, until: time | None, info: ValidationInfo) -> time | None:
        begins = info.data.get("quiet_from")
        if (begins is None) != (until is None) or (begins is not None and begins == until):
            raise ValueError("expected quiet_from and quiet_until, two times of day; or neither")
        return until

"""The parts of `keepworth.toml` that say where data comes from and what is taken from it."""

from typing import Literal, get_args
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator

from features.rules import UsageScale

OptionalGroup = Literal["billing", "usage", "support", "advocacy", "contacts", "attributes"]
OPTIONAL_GROUPS: tuple[OptionalGroup, ...] = get_args(OptionalGroup)


class Source(BaseModel):
    """Name files, and the SELECT that turns them into one table of the contract.

    Each entry of `files` (a path or a glob, relative to the configuration's folder) becomes a
    view that `select` may read. `time_zone` is the zone of times that carry none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, description="a name to recognise this source by")
    into: Literal["events", "customers", "plans"] = Field(
        description='"events", "customers" or "plans"'
    )
    files: dict[str, str] = Field(
        min_length=1,
        description='a table of view names and paths or globs, such as { raw = "data/raw.csv" }',
    )
    time_zone: str | None = Field(
        default=None, description="a zone of the IANA database such as UTC or Europe/Vienna"
    )
    select: str = Field(min_length=1, description="a SELECT over the names in files")

    @field_validator("time_zone")
    @classmethod
    def _is_known_zone(cls, time_zone: str | None) -> str | None:
        if time_zone is not None and time_zone not in available_timezones():
            raise ValueError("expected a zone of the IANA database such as UTC or Europe/Vienna")
        return time_zone


class IngestRules(BaseModel):
    """Say how much of the input may be wrong before all of it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_quarantined_share: float = Field(
        default=0.01, ge=0, le=1, strict=True, description="a share from 0 to 1"
    )


class FeatureRules(BaseModel):
    """Name the customer attributes that become features; others are kept but not used.

    `left_out` are groups of signals that are computed, but that models are not offered;
    `usage_scale` maps a metric to the fractions of a unit that its usage is held in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    attributes: list[str] = Field(
        default=[], description='a list of columns of the customers source, such as ["country"]'
    )
    left_out: list[OptionalGroup] = Field(
        default=[],
        description="a list of groups that models can do without: " + ", ".join(OPTIONAL_GROUPS),
    )
    usage_scale: UsageScale = {}

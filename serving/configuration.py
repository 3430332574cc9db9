"""`keepworth.toml` as a whole: read once, checked at once, every mistake named."""

import difflib
import tomllib
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from features.mistakes import ConfigurationError, Mistake
from features.sources import FeatureRules, IngestRules, Source
from features.spark.rules import SparkRules
from serving.campaigns.campaign import Campaign, ContactRules
from serving.campaigns.decisions import Rulebook
from serving.delivery.webhooks import Webhook
from serving.limits import Limits
from training.business import Business
from training.retraining_rules import RetrainingRules

FILE_NAME = "keepworth.toml"

_Table = dict[str, Any]
_Place = tuple[int | str, ...]
_LONGEST_SHOWN = 80
_SECTIONS: dict[str, type[BaseModel]] = {
    "business": Business,
    "sources": Source,
    "ingest": IngestRules,
    "features": FeatureRules,
    "spark": SparkRules,
    "contacts": ContactRules,
    "campaigns": Campaign,
    "retraining": RetrainingRules,
    "service": Limits,
    "webhooks": Webhook,
}
Named = TypeVar("Named", Campaign, Webhook)
_DECLARED_ELSEWHERE = ("business", "usage_scale")
"""The rules of the business hold it, and [features] declares it."""


class Configuration(BaseModel):
    """Compose the sections that each package validates for itself.

    The rules of the business know the scales of usage too, which `[features]` declares.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    business: Business = Field(description="a table [business]")
    sources: list[Source] = Field(
        min_length=1, description="at least one table [[sources]], in double brackets"
    )
    ingest: IngestRules = Field(default=IngestRules(), description="a table [ingest]")
    features: FeatureRules = Field(default=FeatureRules(), description="a table [features]")
    spark: SparkRules = Field(default=SparkRules(), description="a table [spark]")
    contacts: ContactRules = Field(default=ContactRules(), description="a table [contacts]")
    campaigns: list[Campaign] = Field(
        default=[], description="tables [[campaigns]], in double brackets"
    )
    retraining: RetrainingRules = Field(
        default=RetrainingRules(), description="a table [retraining]"
    )
    service: Limits = Field(default=Limits(), description="a table [service]")
    webhooks: list[Webhook] = Field(
        default=[], description="tables [[webhooks]], in double brackets"
    )

    @model_validator(mode="after")
    def _business_knows_the_scales(self) -> "Configuration":
        known = {"usage_scale": self.features.usage_scale}
        return self.model_copy(update={"business": self.business.model_copy(update=known)})

    @field_validator("campaigns", "webhooks")
    @classmethod
    def _are_told_apart(cls, tables: list[Named]) -> list[Named]:
        names = [table.name for table in tables]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is there twice; give each a name of its own")
        return tables


def read_configuration(path: Path) -> Configuration:
    """Read and check a `keepworth.toml`.

    Raises
    ------
    ConfigurationError
        Naming every mistake: key, value, expectation.
    """
    table = _read_toml(path)
    mistakes = _misplaced(table)
    try:
        configuration = Configuration.model_validate(table)
    except ValidationError as error:
        mistakes += [_mistake(detail, table) for detail in error.errors()]
        raise ConfigurationError(f"{path} cannot be used", mistakes) from error
    if mistakes:
        raise ConfigurationError(f"{path} cannot be used", mistakes)
    return configuration


def rulebook_of(configuration: Configuration) -> Rulebook:
    """Return all campaigns with what holds for them together."""
    minor_units = configuration.business.minor_units
    return Rulebook(tuple(configuration.campaigns), configuration.contacts, minor_units)


def keys_of(section: str) -> list[str]:
    """Return the keys that a section of the file may hold."""
    names = _SECTIONS[section].model_fields
    return [name for name in names if (section, name) != _DECLARED_ELSEWHERE]


def _misplaced(table: _Table) -> list[Mistake]:
    """Take out of a section what only another one may declare, and name it."""
    section, key = _DECLARED_ELSEWHERE
    found = table.get(section)
    if not isinstance(found, dict) or key not in found:
        return []
    expected = f"expected in [features.{key}]; move it there"
    return [Mistake(f"{section}.{key}", _shown(found.pop(key)), expected)]


def _read_toml(path: Path) -> _Table:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        expected = "expected TOML; text stands in quotes, times look like 2024-01-01T00:00:00Z"
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8"
        expected = "expected UTF-8 text; save the file in that encoding"
    mistake = Mistake(path.name, f"not readable ({reason})", expected)
    raise ConfigurationError(f"{path} is no valid TOML", [mistake])


def _mistake(detail: ErrorDetails, table: _Table) -> Mistake:
    place, kind = detail["loc"], detail["type"]
    key = _key(place, table)
    if kind == "missing":
        return Mistake(f"{key}.{place[-1]}".lstrip("."), "missing", f"give {_meaning(place)}")
    if kind == "extra_forbidden":
        return Mistake(key, _shown(detail["input"]), _no_such_key(place))
    value = "no known key" if place[-1] == "[key]" else _shown(detail["input"])
    own_words = detail["msg"].removeprefix("Value error, ")
    if kind == "value_error" or not _meaning(place):
        return Mistake(key, value, own_words)
    return Mistake(key, value, f"expected {_meaning(place)}{_closest_word(detail)}")


def _key(place: _Place, table: _Table) -> str:
    """Return the key as a person would look for it: sources by name, only what is in the file."""
    parts: list[str] = []
    value: Any = table
    for part in place:
        if isinstance(value, dict) and part in value:
            parts.append(str(part))
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
            name = value.get("name", part) if isinstance(value, dict) else part
            parts[-1] += f"[{name}]"
    return ".".join(parts)


def _meaning(place: _Place) -> str:
    """Return what a setting should be, as its field describes it; empty where it does not."""
    names = [part for part in place if isinstance(part, str)]
    owner = _SECTIONS[names[0]] if len(names) > 1 else Configuration
    field = owner.model_fields.get(names[min(len(names) - 1, 1)])
    return (field.description if field else None) or ""


def _closest_word(detail: ErrorDetails) -> str:
    """Return a suggestion where one of few words was expected."""
    if detail["type"] != "literal_error":
        return ""
    words = [part.strip("',") for part in detail["ctx"]["expected"].split()]
    close = difflib.get_close_matches(str(detail["input"]), words, n=1)
    return f' (did you mean "{close[0]}"?)' if close else ""


def _no_such_key(place: _Place) -> str:
    known = keys_of(str(place[0])) if len(place) > 1 else list(Configuration.model_fields)
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"no such key; {hint}expected one of {', '.join(known)}"


def _shown(value: object) -> str:
    """Return a value as TOML writes it, shortened; times without Python's names for them."""
    if isinstance(value, bool):
        return str(value).lower()
    text = value.isoformat() if isinstance(value, date) else repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."

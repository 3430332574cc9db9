"""`keepworth.toml` as a whole: read once, checked at once, every mistake named."""

import difflib
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from features.mistakes import ConfigurationError, Mistake
from features.sources import FeatureRules, IngestRules, Source
from training.business import Business

FILE_NAME = "keepworth.toml"


class Configuration(BaseModel):
    """Compose the sections that each package validates for itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    business: Business
    sources: list[Source] = Field(min_length=1)
    ingest: IngestRules = IngestRules()
    features: FeatureRules = FeatureRules()


def read_configuration(path: Path) -> Configuration:
    """Read and check a `keepworth.toml`.

    Raises
    ------
    ConfigurationError
        Naming every mistake: key, value, expectation.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        expected = "expected TOML; strings stand in quotes, times look like 2024-01-01T00:00:00Z"
        mistake = Mistake(path.name, f"not readable ({error})", expected)
        raise ConfigurationError(f"{path} is no valid TOML", [mistake]) from error
    try:
        return Configuration.model_validate(table)
    except ValidationError as error:
        mistakes = [_mistake(detail, table) for detail in error.errors()]
        raise ConfigurationError(f"{path} cannot be used", mistakes) from error


def _mistake(detail: ErrorDetails, table: dict[str, Any]) -> Mistake:
    key = _key(detail["loc"], table)
    kind = detail["type"]
    if kind == "missing":
        return Mistake(key, "missing", f"give it; {_meaning(detail)}")
    if kind == "extra_forbidden":
        return Mistake(key, repr(detail["input"]), _no_such_key(detail["loc"]))
    message = detail["msg"].removeprefix("Value error, ")
    return Mistake(key, _shown(detail["input"]), message[:1].lower() + message[1:])


def _key(location: tuple[int | str, ...], table: dict[str, Any]) -> str:
    """Return the key as a person would look for it: sources by their name."""
    parts: list[str] = []
    for depth, part in enumerate(location):
        if isinstance(part, int) and depth == 1 and location[0] == "sources":
            source = table["sources"][part]
            name = source.get("name", part) if isinstance(source, dict) else part
            parts[-1] = f"sources[{name}]"
        elif not str(part).startswith(("function-", "dict[", "float", "constrained", "literal")):
            parts.append(str(part))
    return ".".join(parts)


def _meaning(detail: ErrorDetails) -> str:
    owner = _model_at(detail["loc"][:-1])
    field = owner.model_fields.get(str(detail["loc"][-1])) if owner else None
    if field is None or field.annotation is None:
        return "it has no default"
    return f"expected {getattr(field.annotation, '__name__', str(field.annotation))}"


def _no_such_key(location: tuple[int | str, ...]) -> str:
    owner = _model_at(location[:-1])
    known = list(owner.model_fields) if owner else []
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"no such key; {hint}expected one of {', '.join(known)}"


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel] | None:
    models: dict[str, type[BaseModel]] = {
        "business": Business,
        "sources": Source,
        "ingest": IngestRules,
        "features": FeatureRules,
    }
    return models.get(str(location[0])) if location else Configuration


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

"""The part of `keepworth.toml` that says which Spark to use, and where its tables lie."""

import re
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

_SETTINGS = 'a table of Spark settings such as { "spark.executor.memory" = "8g" }'


class SparkRules(BaseModel):
    """Configure the session that `--engine spark` starts, and name its inputs and outputs.

    Places are paths on this machine, relative to the configuration's folder, or URLs of any file
    system that Spark reads. What is None is the workspace's
    own: the files of its log, and its folders for snapshots and scores. Without `master`,
    spark-submit and `spark-defaults.conf` decide, else `local[*]`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    master: str | None = Field(
        default=None, min_length=1, description='where Spark runs, such as "local[4]" or "yarn"'
    )
    conf: dict[str, str] = Field(default_factory=dict, description=_SETTINGS)
    events: str | None = Field(
        default=None, min_length=1, description="a path or URL of Parquet with events"
    )
    customers: str | None = Field(
        default=None, min_length=1, description="a path or URL of Parquet with customers"
    )
    plans: str | None = Field(
        default=None, min_length=1, description="a path or URL of Parquet with plans"
    )
    output: str | None = Field(
        default=None, min_length=1, description="a folder or URL to write below"
    )

    def below(self, folder: Path) -> Self:
        """Return the same with places that are relative paths taken as below a folder."""
        named = {name: getattr(self, name) for name in ("events", "customers", "plans", "output")}
        is_relative = re.compile(r"(?!/|[A-Za-z][A-Za-z0-9+.-]*:)")
        moved = {
            name: str(folder / place)
            for name, place in named.items()
            if place is not None and is_relative.match(place)
        }
        return self.model_copy(update=moved)

    @field_validator("conf", mode="before")
    @classmethod
    def _settings(cls, table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        settings = dict(_flat(table))
        strange = [key for key in settings if not key.startswith("spark.")]
        if strange:
            raise ValueError(f"{', '.join(strange)}: expected {_SETTINGS}")
        return settings


def _flat(table: dict[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Return dotted keys with texts, whether TOML had quotes around the key or made tables."""
    settings: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            settings += _flat(value, f"{before}{key}.")
        elif isinstance(value, bool):
            settings.append((before + key, str(value).lower()))
        elif isinstance(value, str | int | float):
            settings.append((before + key, str(value)))
        else:
            raise ValueError(f"{before}{key} is {value!r}: expected text, a number, true or false")  # noqa: TRY004 (pydantic collects ValueErrors)
    return settings

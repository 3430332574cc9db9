"""The part of `keepworth.toml` that says who is told of triggers: tables `[[webhooks]]`."""

import re
from collections.abc import Mapping, Sequence
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from features.mistakes import ConfigurationError, Mistake
from serving.delivery.signing import EXPECTED, signing_key

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Webhook(BaseModel):
    """Configure one receiver of triggers.

    Its secrets stand in environment variables, never in the file: while two are named, both sign,
    so that a receiver can change from one to the other. Without `campaigns` it hears of all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$",
        description='a name of small letters, digits, - and _, such as "crm"',
    )
    url: str = Field(description='where to post, such as "https://crm.example.com/keepworth"')
    secret_variables: list[str] = Field(
        min_length=1,
        max_length=2,
        description='one or two environment variables that hold a secret, such as ["CRM_SECRET"]',
    )
    campaigns: list[str] | None = Field(
        default=None, min_length=1, description="names of campaigns; leave it out for all"
    )
    allow_private_addresses: bool = Field(
        default=False, description="true or false: whether it may lie in a private network"
    )

    @field_validator("secret_variables")
    @classmethod
    def _names_of_variables(cls, names: list[str]) -> list[str]:
        strange = [name for name in names if not _VARIABLE.fullmatch(name)]
        if strange:
            # What is no name may be a secret: it is not shown.
            raise ValueError("expected names of environment variables, not the secrets themselves")
        return names

    @model_validator(mode="after")
    def _a_url_that_keeps_secrets(self) -> Self:
        parts = urlsplit(self.url)
        schemes = ("https", "http") if self.allow_private_addresses else ("https",)
        if parts.scheme not in schemes or not parts.hostname:
            also = "" if self.allow_private_addresses else "; http with allow_private_addresses"
            raise ValueError(f"url is {self.url!r}: expected https://host/path{also}")
        if parts.username or parts.password or parts.fragment:
            raise ValueError("url: expected no user, password or fragment; the body is signed")
        return self

    def hears_of(self, campaign: str) -> bool:
        """Return whether the receiver is told of a campaign's triggers."""
        return self.campaigns is None or campaign in self.campaigns


def signing_keys(
    webhooks: Sequence[Webhook], environment: Mapping[str, str]
) -> dict[str, tuple[bytes, ...]]:
    """Return the keys of each webhook by its name, as the environment has them.

    Raises
    ------
    ConfigurationError
        If a variable is missing or holds no secret: all that are, and none is shown.
    """
    mistakes: list[Mistake] = []
    keys = {
        webhook.name: tuple(
            key
            for name in webhook.secret_variables
            if (key := _key(name, environment, mistakes)) is not None
        )
        for webhook in webhooks
    }
    if mistakes:
        raise ConfigurationError("webhooks cannot be signed", mistakes)
    return keys


def _key(name: str, environment: Mapping[str, str], mistakes: list[Mistake]) -> bytes | None:
    if name not in environment:
        mistakes.append(Mistake(f"the environment's {name}", "missing", EXPECTED))
        return None
    try:
        return signing_key(environment[name].strip())
    except ValueError as error:
        mistakes.append(Mistake(f"the environment's {name}", "no secret", str(error)))
        return None

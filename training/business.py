"""The whole of `[business]`: who is a customer, and what a customer brings and costs."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
)

from features.contract import KIND_CODES
from features.mistakes import ConfigurationError, Mistake
from features.rules import CustomerRules

Share = Annotated[float, Field(ge=0, le=1, strict=True)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


def _margin_form(value: Any) -> str:
    return "by label" if isinstance(value, dict) else "for all"


def _cost_key(key: str) -> str:
    kind = key.partition(":")[0]
    if key == "per_month" or kind in KIND_CODES:
        return key
    close = get_close_matches(kind, ("per_month", *KIND_CODES), n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise ValueError(f"{hint}expected per_month, one of {', '.join(KIND_CODES)}, or kind:label")


# Chosen by form, so that a wrong value is one mistake and not one a form.
GrossMargin = Annotated[
    Annotated[Share, Tag("for all")] | Annotated[dict[str, Share], Tag("by label")],
    Discriminator(_margin_form),
]


class Business(CustomerRules):
    """Add the economics to the rules of being a customer.

    `gross_margin` is one share, or a table by label (plan or category) with a `default`.
    `referral_reward` is what one newcomer costs in rewards, to both sides together.
    `cost_to_serve` maps `per_month`, a kind, or `kind:label` to money; the more specific wins.
    """

    annual_discount_rate: float = Field(
        gt=-1,
        le=10,
        allow_inf_nan=False,
        strict=True,
        description="a number above -1 and up to 10, such as 0.10 for 10% a year",
    )
    gross_margin: GrossMargin = Field(
        default=1.0, description="a share from 0 to 1, or a table of such shares by label"
    )
    horizon_months: int = Field(
        default=36, ge=1, le=240, strict=True, description="a whole number from 1 to 240"
    )
    referral_reward: Cost = Field(
        default=0.0, description="an amount of money, 0 or more, for one newcomer brought"
    )
    cost_to_serve: dict[Annotated[str, AfterValidator(_cost_key)], Cost] = Field(
        default_factory=dict, description="an amount of money, 0 or more, for each key"
    )

    @property
    def exits_in_words(self) -> str:
        """What churn is called here: in a shop nobody says that they leave."""
        return "exits" if self.contract == "subscription" else "buyers who fall silent"

    def margin_of(self, labels: Iterable[str | None]) -> list[float]:
        """Return the gross margin of each label, in order.

        Raises
        ------
        ConfigurationError
            If a label is neither in the table nor covered by its `default`.
        """
        if not isinstance(self.gross_margin, dict):
            return [self.gross_margin for _ in labels]
        table, default = self.gross_margin, self.gross_margin.get("default")
        shares = [table.get(label or "", default) for label in labels]
        unknown = [label for label, share in zip(labels, shares, strict=True) if share is None]
        if unknown:
            raise ConfigurationError(
                "the gross margin of some labels is not known",
                [
                    Mistake(
                        "business.gross_margin",
                        f"a table without {', '.join(sorted(map(str, unknown))[:5])}",
                        "add these labels, or a `default`",
                    )
                ],
            )
        return [share for share in shares if share is not None]

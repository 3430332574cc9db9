"""The whole of `[business]`: who is a customer, and what a customer brings and costs."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from features.contract import KIND_CODES
from features.mistakes import ConfigurationError, Mistake
from features.rules import CustomerRules

Share = Annotated[float, Field(ge=0, le=1)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Business(CustomerRules):
    """Add the economics to the rules of being a customer.

    `gross_margin` is one share, or a table by label (plan or category) with a `default`.
    `cost_to_serve` maps `per_month`, a kind, or `kind:label` to money; the more specific wins.
    """

    annual_discount_rate: float = Field(gt=-1, le=10, allow_inf_nan=False)
    gross_margin: Share | dict[str, Share] = 1.0
    horizon_months: int = Field(default=36, ge=1, le=240)
    revenue: Literal["mrr", "payments"] = "mrr"
    extra_revenue: tuple[str, ...] = ()
    cost_to_serve: dict[str, Cost] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _revenue_follows_contract(cls, table: Any) -> Any:
        if isinstance(table, dict) and table.get("contract") == "transactional":
            return {"revenue": "payments"} | table
        return table

    @field_validator("cost_to_serve")
    @classmethod
    def _names_known_kinds(cls, costs: dict[str, float]) -> dict[str, float]:
        for key in costs:
            if key != "per_month" and key.partition(":")[0] not in KIND_CODES:
                raise ValueError(
                    f"{key!r} is no event kind; expected per_month, one of "
                    f"{', '.join(KIND_CODES)}, or kind:label"
                )
        return costs

    @model_validator(mode="after")
    def _revenue_fits_contract(self) -> "Business":
        if self.contract == "transactional" and self.revenue == "mrr":
            raise ValueError('revenue is "mrr"; a transactional business has revenue = "payments"')
        if self.revenue == "payments" and self.extra_revenue:
            raise ValueError('extra_revenue goes with revenue = "mrr"; payments all count already')
        return self

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

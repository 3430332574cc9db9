"""Candidates: customers whom a campaign is for, and what contacting them is expected to bring."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.blocks import Block
from features.catalogue import catalogue, signal_matrix
from features.kernel import Moment
from features.mistakes import ConfigurationError, InputRefusedError, Mistake
from features.signal import Signal
from serving.campaigns.answers import Answers, SaveRate, assumed_response
from serving.campaigns.campaign import Campaign
from serving.campaigns.contacts import Contacts, contacts_in
from serving.campaigns.expressions import Conditions, mistakes_of
from serving.campaigns.stakes import stakes_of
from serving.campaigns.taught import Taught
from training.bundle import Bundle
from training.exit_kinds import KINDS, WITHIN_MONTHS
from training.score_table import score_schema, score_table
from training.scoring import Scores, score
from valuation.offers import (
    OfferResponse,
    Stakes,
    acceptance,
    change_of_retention,
    expected_profit,
    most_an_offer_may_cost,
)

Values = NDArray[np.float64]
_SCALARS = (pa.string(), pa.float64(), pa.int32())
NO_KINDS = "all exits stand in for voluntary ones: kinds of exit are not known"


@dataclass(frozen=True)
class Option:
    """Hold what one campaign would bring with one customer; money in major units.

    `break_even_offer_cost` is the most an accepted offer may cost; NaN where nobody would accept.
    """

    campaign: str
    is_eligible: bool
    expected_profit: float
    profit_low: float
    profit_high: float
    chance_of_profit: float
    break_even_offer_cost: float
    acceptance: float
    clv_if_saved: float
    retention_change: float


@dataclass(frozen=True)
class Candidate:
    """Hold a customer whom at least one campaign is for, as known at `as_of` (microseconds).

    `occasion` is what made somebody look: a night, or an event. `contacts` are those on record as
    events, by whichever system.
    """

    customer_id: str
    occasion: str
    as_of: int
    model_version: str
    consent: bool | None
    time_zone: str | None
    scores: Mapping[str, float | str | None]
    options: tuple[Option, ...]
    notes: tuple[str, ...] = ()
    contacts: Contacts = ()

    @property
    def decision_id(self) -> str:
        """The id of what is decided of the customer on the occasion: once, whoever asks again."""
        return hashlib.sha256(f"{self.occasion}\0{self.customer_id}".encode()).hexdigest()[:32]

    def only(self, campaigns: Collection[str]) -> "Candidate":
        """Return the candidate with the options of some campaigns, by name."""
        kept = tuple(option for option in self.options if option.campaign in campaigns)
        return replace(self, options=kept)


class Judge:
    """Judge customers for campaigns by one model version; made once, asked block by block."""

    def __init__(
        self,
        campaigns: Sequence[Campaign],
        bundle: Bundle,
        taught: Mapping[str, Taught] | None = None,
    ) -> None:
        """Check that the campaigns' conditions fit the signals and scores of the version.

        `taught` is what outcomes taught of some campaigns; the others go by what they assume.

        Raises
        ------
        ConfigurationError
            Naming every condition that does not.
        InputRefusedError
            If the business is a shop, whose customers have no moment of leaving.
        """
        if bundle.business.contract != "subscription":
            raise InputRefusedError("campaigns need subscriptions", [_NO_SHOP])
        self.campaigns, self.bundle = tuple(campaigns), bundle
        signals = catalogue(bundle.business.contract, bundle.vocabulary)
        scored = {each.name: each.type for each in score_schema(()) if each.type in _SCALARS}
        types = {signal.name: pa.float64() for signal in signals} | scored
        self._require_sound(types)
        expressions = {
            f"campaigns[{one.name}].{key}": expression
            for one in self.campaigns
            for key, expression in one.conditions.items()
        }
        self._conditions = Conditions(expressions)
        named = {name for each in expressions.values() for name in each.columns}
        # One tuple for good: programs of signals are kept by its identity.
        self._signals: tuple[Signal, ...] = tuple(
            each for each in signals if each.name in named - scored.keys()
        )
        known = {signal.name: signal for signal in signals}
        self._answers = {name: Answers.of(each, known) for name, each in (taught or {}).items()}

    def save_rate(self, campaign: Campaign) -> SaveRate:
        """Return the save rate that decisions of a campaign go by, and where it is from."""
        answers = self._answers.get(campaign.name)
        if answers is None:
            return SaveRate("assumed", campaign.save_rate)
        return answers.save_rate(campaign)

    def candidates(
        self, block: Block, as_of: int, people: pa.Table, occasion: Callable[[str], str]
    ) -> list[Candidate]:
        """Return those of a block whom at least one campaign is for, who are customers.

        `people` are their rows of the customers table, for consent and time zone; `occasion` says
        what made somebody look at a customer.
        """
        scores = score(self.bundle, block, as_of)
        table = score_table(scores, self.bundle.business)
        business, references = self.bundle.business, self.bundle.references
        moment = Moment(block.history, block.profiles, as_of, business, references)
        is_so = self._conditions.hold(self._with_signals(table, moment))
        for_them, eligible = is_so[:, 0::2], is_so[:, 1::2]
        for_them &= scores.forecast.is_customer[:, None]
        rows = np.flatnonzero(for_them.any(axis=1))
        options = self._options(scores, moment, rows, for_them[rows], eligible[rows])
        told = table.select(_TOLD).take(rows).to_pylist()
        known, contacts = _known_of(people), contacts_in(block.history, as_of)
        notes = [NO_KINDS] if scores.forecast.exit_shares is None else []
        notes += [f"{name}: {each.note}" for name, each in self._answers.items() if each.note]
        ids = [str(customer_id) for customer_id in scores.customer_ids[rows]]
        return [
            Candidate(
                customer_id,
                occasion(customer_id),
                as_of,
                self.bundle.version,
                *known.get(customer_id, (None, None)),
                scores=said,
                options=own,
                notes=tuple(notes),
                contacts=contacts.get(customer_id, ()),
            )
            for customer_id, own, said in zip(ids, options, told, strict=True)
        ]

    def _require_sound(self, types: Mapping[str, pa.DataType]) -> None:
        mistakes = [
            Mistake(f"campaigns[{one.name}].{key}", repr(getattr(one, key)), wrong)
            for one in self.campaigns
            for key, expression in one.conditions.items()
            for wrong in mistakes_of(expression, types)
        ]
        if mistakes:
            raise ConfigurationError("campaigns cannot run as configured", mistakes)

    def _with_signals(self, table: pa.Table, moment: Moment) -> pa.Table:
        if self._signals:
            matrix = signal_matrix(moment, self._signals)
            for signal, values in zip(self._signals, matrix.T, strict=True):
                column = pa.array(np.ascontiguousarray(values), pa.float64(), from_pandas=True)
                table = table.append_column(signal.name, column)
        return table

    def _options(
        self,
        scores: Scores,
        moment: Moment,
        rows: NDArray[np.int64],
        for_them: NDArray[np.bool_],
        eligible: NDArray[np.bool_],
    ) -> list[tuple[Option, ...]]:
        """Return the options of some customers, by row; `for_them` has a column a campaign."""
        found: list[list[Option]] = [[] for _ in rows]
        for number, campaign in enumerate(self.campaigns):
            wanted = np.flatnonzero(for_them[:, number])
            own = (
                self._options_in(campaign, scores, moment, rows[wanted], eligible[wanted, number])
                if len(wanted)
                else []
            )
            for place, option in zip(wanted.tolist(), own, strict=True):
                found[place].append(option)
        return [tuple(options) for options in found]

    def _options_in(
        self,
        campaign: Campaign,
        scores: Scores,
        moment: Moment,
        rows: NDArray[np.int64],
        is_eligible: NDArray[np.bool_],
    ) -> list[Option]:
        """Return what one campaign would bring with some customers."""
        rate = self.bundle.business.annual_discount_rate
        answers = self._answers.get(campaign.name)
        months = campaign.window_months if answers is None else answers.months(campaign)
        months = min(months, scores.forecast.churn.shape[1])
        stakes = stakes_of(scores, rows, campaign, rate, months)
        if answers is None:
            return _options_of(campaign, stakes, assumed_response(campaign), is_eligible)
        churn = stakes.voluntary_churn_probability
        response = answers.response(campaign, churn, moment, rows)
        return _options_of(campaign, stakes, response, is_eligible)


_TOLD = ["status", "segment", f"churn_{WITHIN_MONTHS}m", f"churn_{WITHIN_MONTHS}m_{KINDS[0]}"]
_TOLD += [f"churn_{WITHIN_MONTHS}m_{KINDS[1]}", "clv", "clv_low", "clv_high", "value_at_stake"]
_NO_SHOP = Mistake(
    "business.contract",
    '"transactional"',
    "campaigns decide by what keeping a leaver is worth, and a shop's customers do not leave: "
    "expected subscription",
)


def _options_of(
    campaign: Campaign, stakes: Stakes, response: OfferResponse, is_eligible: NDArray[np.bool_]
) -> list[Option]:
    profit = expected_profit(stakes, campaign.offer_cost, response)
    columns = {
        "is_eligible": is_eligible,
        "expected_profit": profit.mean,
        "profit_low": profit.low,
        "profit_high": profit.high,
        "chance_of_profit": profit.is_positive,
        "break_even_offer_cost": most_an_offer_may_cost(stakes, response),
        "acceptance": acceptance(stakes.voluntary_churn_probability, response),
        "clv_if_saved": stakes.clv_if_saved,
        "retention_change": change_of_retention(stakes.voluntary_churn_probability, response),
    }
    rows_of = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [Option(campaign.name, **dict(zip(columns, own, strict=True))) for own in rows_of]


def _known_of(people: pa.Table) -> dict[str, tuple[Any, Any]]:
    """Return consent and time zone by customer."""
    columns = [
        people.column(name).to_pylist() if name in people.column_names else [None] * people.num_rows
        for name in ("customer_id", "consent", "time_zone")
    ]
    return {one: (consent, zone) for one, consent, zone in zip(*columns, strict=True)}

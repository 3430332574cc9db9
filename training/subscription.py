"""The subscription model: who stays, on which plan, at what margin."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block
from features.catalogue import signal_matrix
from features.kernel import Moment
from features.mistakes import InputRefusedError, Mistake
from features.months import NEVER, Instants, shift_months
from features.plan_standing import relationship_starts
from features.signal import Signal
from features.timeline import Timeline, timeline_of
from training.anchor import TenureCounts, fit_anchor, tenure_counts
from training.booked_margin import booked_margin
from training.business import Business
from training.check import Check
from training.churn_rows import ChurnRows, ChurnSampler
from training.credibility import WINDOW_MONTHS, Credibility, fit_credibility
from training.exit_kinds import ExitKinds, fit_exit_kinds
from training.flows import event_flows
from training.forecast import Forecast
from training.hazard import HazardModel, fit_hazard
from training.known import Known
from training.landmarks import landmarks_of_curves, subscription_rows
from training.landmarks_seen import LandmarksSeen
from training.outcomes import exit_kinds
from training.pauses import Pauses, fit_pauses
from training.person_periods import clock_columns
from training.plan_path import FREE, UNIT, PlanMonths, PlanPath, fit_plan_path
from training.recent_events import event_columns
from training.support import Support, level_counts, levels_of
from valuation.survival import activity_in_month, survival_from_hazard

_FEWEST_EXITS_TO_LEARN_FROM = 10


@dataclass(frozen=True)
class SubscriptionModel:
    """Hold the fitted parts; `signals` are what the hazard was trained on, in order.

    `monthly_churn` is the portfolio's mean over the last twelve landmarks, for naive formulas.
    """

    signals: tuple[Signal, ...]
    hazard: HazardModel
    path: PlanPath
    flows: Credibility
    monthly_churn: float
    pauses: Pauses = Pauses()  # noqa: RUF009 -- frozen value
    support: Support = Support()  # noqa: RUF009 -- frozen value
    exit_kinds: ExitKinds | None = None

    def forecast(self, moment: Moment, business: Business, n_months: int) -> Forecast:
        """Return the curves of every customer; all zero, churn 1, for those already gone."""
        is_customer = moment.plan.is_open
        booked = booked_margin(moment, business, n_months, self.pauses)
        beside = self._beside_the_plan(moment, business)
        values = signal_matrix(moment, self.signals)
        survival = self.survival(values, n_months) * is_customer[:, None]
        activity = activity_in_month(survival) * is_customer[:, None]
        margin = self.along_the_path(moment, business, booked) + beside
        return Forecast(
            is_customer=is_customer,
            churn=1 - survival,
            activity=activity,
            expected_margin=margin * activity,
            margin_if_active=margin,
            survival=survival,
            margin_if_unchanged=booked + beside,
            exit_shares=self._exit_shares(moment, values),
        )

    def _exit_shares(
        self, moment: Moment, values: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        if self.exit_kinds is None:
            return None
        noticed = exit_kinds(moment.history, moment.timeline, moment.as_of, lapsed=0)
        return self.exit_kinds.of_customers(values.astype(np.float32), noticed)

    def along_the_path(
        self, moment: Moment, business: Business, booked: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the expected margin of MRR from that as booked, shape (n, n_months) each."""
        plan, standing = moment.plan.plan_label, booked
        if FREE in self.path.plans and business.revenue == "mrr":
            is_free = moment.plan.is_open & ~booked.any(axis=1) & ~_pays(moment)
            plan = np.where(is_free, FREE, plan)
            unit = UNIT * _margin_share(business, self.path.names)
            standing = np.where(is_free[:, None], unit, booked)
        tenure = np.nan_to_num(moment.plan.value("tenure_months"))
        return standing * self.path.growth_ahead(plan, tenure, booked.shape[1])

    def survival(self, values: NDArray[np.float64], n_months: int) -> NDArray[np.float64]:
        """Return survival by month from signals, shape (n_customers, n_months).

        What it says of customers without an open subscription does not count.
        """
        clocks = values[:, clock_columns([signal.name for signal in self.signals])]
        clocks[np.isnan(clocks[:, 0])] = 0.0
        hazard = self.hazard.hazard(values.astype(np.float32), clocks, n_months)
        return survival_from_hazard(hazard)

    def _beside_the_plan(self, moment: Moment, business: Business) -> NDArray[np.float64]:
        """Return what customers bring and cost a month besides the plan, shape (n, 1)."""
        total, exposure = _recent_flows(
            moment.as_of, Block(moment.history, moment.profiles), moment.timeline, business
        )
        flows = self.flows.expected(total.sum(axis=1), exposure.sum(axis=1))
        return (flows - business.cost_to_serve.get("per_month", 0.0))[:, None]


def fit_subscription(known: Known) -> tuple[SubscriptionModel, list[Check]]:
    """Fit on what was known at a cutoff; the checks are on the later part of training.

    Raises
    ------
    InputRefusedError
        If fewer than 10 exits were seen, or nobody was there a month before the cutoff: there is
        nothing to learn churn from.
    """
    business, signals, landmarks = known.business, known.signals, known.landmarks
    longest = max(landmark.months_observed for landmark in landmarks)
    ahead = min(longest, business.horizon_months)
    beside = [landmark.number for landmark in landmarks_of_curves(landmarks)]
    sampler = ChurnSampler(ahead, known.sample, beside)
    seen = LandmarksSeen(signals)
    plan_months: list[PlanMonths] = []
    counts = TenureCounts(np.zeros(1), np.zeros(1))
    recent: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    levels: list[dict[str, Counter[str]]] = []
    for block in known.blocks():
        timeline = timeline_of(block.history, business)
        for rows, months in subscription_rows(block, timeline, landmarks, business, signals):
            sampler.add(rows)
            seen.add(rows)
            plan_months.append(months)
        began = relationship_starts(block.history, timeline, block.profiles)
        counts += tenure_counts(
            began, timeline.spells[2], known.observed_from, known.cutoff, business.month
        )
        recent.append(_recent_flows(known.cutoff, block, timeline, business))
        moment = Moment(block.history, block.profiles, known.cutoff, business, known.references)
        levels.append(level_counts(moment.profiles))
    _require_exits(counts, has_rows=bool(plan_months))
    lapses = business.term_end == "lapses"
    sample = replace(sampler.sample(), terms_lapse=lapses, event_columns=event_columns(signals))
    hazard, check = fit_hazard(
        sample,
        fit_anchor(counts),
        later_from=_later_from(longest),
        longest=ahead,
        seed=known.sample.seed,
    )
    months = _stacked(plan_months)
    path = fit_plan_path(months)
    flows = fit_credibility(*(np.concatenate(part) for part in zip(*recent, strict=True)))
    support = Support.of_names(signals, seen.ranges(), levels_of(levels))
    pauses = fit_pauses(months.is_paused, months.is_paused_after)
    kinds = _exit_kinds(sample.rows)
    churned = seen.monthly_churn()
    model = SubscriptionModel(signals, hazard, path, flows, churned, pauses, support, kinds)
    return model, [check] if check else []


def _later_from(longest: int) -> int:
    """Return the landmark number from which on months are the later window: a fifth, 1 to 6."""
    return -int(np.clip(longest // 5, 1, 6))


def _exit_kinds(rows: ChurnRows) -> ExitKinds | None:
    return fit_exit_kinds(rows.signals, rows.exit_month, rows.exit_kind, rows.customer)


def _pays(moment: Moment) -> NDArray[np.bool_]:
    """Mark whose plan charges something, be it paused."""
    charged = moment.timeline.intervals.mrr
    of_plan = charged[moment.timeline.intervals.unpaused].astype(np.float64)
    return moment.timeline.sum_at(of_plan, moment.as_of) > 0


def _margin_share(business: Business, plans: Sequence[str]) -> float:
    """Return the mean gross margin of plans whose margin is known."""
    if not isinstance(business.gross_margin, dict):
        return business.gross_margin
    shares = [business.gross_margin[plan] for plan in plans if plan in business.gross_margin]
    default = business.gross_margin.get("default")
    return float(np.mean(shares)) if shares else default or 0.0


def _recent_flows(
    as_of: int, block: Block, timeline: Timeline, business: Business
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return event flows and share of time as a customer in the twelve months before `as_of`."""
    edges: Instants = shift_months(as_of, np.arange(-WINDOW_MONTHS, 1), business.month)
    until = np.full(block.history.n_customers, NEVER)
    flows = event_flows(block.history, business).by_month(block.history, edges, until)
    return flows, timeline.open_share(edges, until)


def _stacked(parts: Sequence[PlanMonths]) -> PlanMonths:
    names = [field.name for field in fields(PlanMonths)]
    return PlanMonths(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _require_exits(counts: TenureCounts, *, has_rows: bool) -> None:
    exits = int(counts.exits.sum())
    if exits < _FEWEST_EXITS_TO_LEARN_FROM:
        raise InputRefusedError(
            "there are too few exits to learn churn from",
            [
                Mistake(
                    "exits before the cutoff",
                    str(exits),
                    f"at least {_FEWEST_EXITS_TO_LEARN_FROM} are needed; choose a later --as-of, "
                    "ingest a longer history, or check that `cancel` events are mapped",
                )
            ],
        )
    if not has_rows:
        raise InputRefusedError(
            "there are no customers to follow",
            [Mistake("customers a month before", "0", "at least 1 needed; choose a later --as-of")],
        )

"""Explaining scores: for each customer baseline, contributions and reasons, in money."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.blocks import Block
from features.kernel import Moment
from training.background import Background, fit_background
from training.bundle import Bundle
from training.contributions import Lens
from training.explained import Explained
from training.explained_shop import ExplainedShop
from training.explained_subscription import ExplainedSubscription
from training.known import Known
from training.reasons import Pair, Reasons
from training.subscription import SubscriptionModel

MOST_REASONS = 3


@dataclass(frozen=True)
class Explanation:
    """Hold what makes one customer's CLV: `baseline` plus all `contributions` is CLV.

    `baseline` is the CLV of the typical customer of the same plan (of the one before, after a
    move in the last 90 days), in a shop of the same frequency; `contributions` are by group of
    signals; `reasons` tell the largest in words.
    """

    baseline: float
    contributions: Mapping[str, float]
    reasons: tuple[str, ...]


def background_of(bundle: Bundle, known: Known) -> Background | None:
    """Return the background of a bundle from the portfolio at its cutoff."""
    moments = (_moment(bundle, block, known.cutoff) for block in known.blocks())
    return fit_background(_explained(bundle), moments, bundle.business.horizon_months)


def explain(
    bundle: Bundle,
    block: Block,
    as_of: int,
    *,
    horizon_months: int | None = None,
    annual_discount_rate: float | None = None,
) -> dict[str, Explanation]:
    """Explain the score of every customer of a block who is there, by id.

    Costs some tens of milliseconds a customer. Nobody is explained where the bundle has no
    background. Arguments are those of `score`.
    """
    background = bundle.background
    if background is None:
        return {}
    moment = _moment(bundle, block, as_of)
    lens = _lens(bundle, background, horizon_months, annual_discount_rate)
    readings = lens.explained.read(moment, lens.n_months)
    labels = moment.history.labels
    words = Reasons(lens, moment.moves, labels, as_of, bundle.business.currency)
    points = lens.points(readings)
    told = {}
    for row, customer in enumerate(readings.customer.tolist()):
        other = int(readings.held_against[row])
        usual = lens.point_of(background.of(other))
        shares = lens.shares(points[row], usual)
        has_moved = other != readings.group[row]
        reasons = words.of(customer, Pair(points[row], usual, shares, has_moved), MOST_REASONS)
        customer_id = str(moment.history.customer_ids[customer])
        told[customer_id] = Explanation(shares.baseline, shares.contributions, reasons)
    return told


def explain_change(  # noqa: PLR0913 -- the arguments of `score`, and a second block
    bundle: Bundle,
    before: Block,
    after: Block,
    as_of: int,
    *,
    horizon_months: int | None = None,
    annual_discount_rate: float | None = None,
) -> dict[str, float] | None:
    """Share out what one customer's CLV is after some events less what it was before.

    Contributions by group of signals, which add up to the difference; None where the customer is
    not there before or after, or the bundle has no background.
    """
    if bundle.background is None:
        return None
    lens = _lens(bundle, bundle.background, horizon_months, annual_discount_rate)
    first, second = (
        lens.points(lens.explained.read(_moment(bundle, block, as_of), lens.n_months))
        for block in (before, after)
    )
    if not len(first) or not len(second):
        return None
    return lens.shares(second[0], first[0]).contributions


def _lens(
    bundle: Bundle, background: Background, horizon_months: int | None, rate: float | None
) -> Lens:
    business = bundle.business
    return Lens(
        _explained(bundle),
        background.money_means,
        business.horizon_months if horizon_months is None else horizon_months,
        business.annual_discount_rate if rate is None else rate,
    )


def _explained(bundle: Bundle) -> Explained:
    if isinstance(bundle.model, SubscriptionModel):
        return ExplainedSubscription(bundle.model, bundle.business)
    return ExplainedShop(bundle.model, bundle.business)


def _moment(bundle: Bundle, block: Block, as_of: int) -> Moment:
    return Moment(block.history, block.profiles, as_of, bundle.business, bundle.references)

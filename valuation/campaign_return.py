"""What a campaign brought for what it cost, from the effect on a customer's value."""

from dataclasses import dataclass

from valuation.effects import Effect


@dataclass(frozen=True)
class CampaignReturn:
    """Hold a campaign's account in major units, with the ends of each interval.

    `gain` is the incremental value of all treated customers, `net` the gain less `cost`, and
    `return_on_investment` net over cost: 0 breaks even, NaN ends where nothing is known; None
    where nothing was spent.
    """

    cost: float
    gain: float
    gain_low: float
    gain_high: float

    @property
    def net(self) -> tuple[float, float, float]:
        """Gain less cost: as estimated, low, high."""
        return self.gain - self.cost, self.gain_low - self.cost, self.gain_high - self.cost

    @property
    def return_on_investment(self) -> tuple[float, float, float] | None:
        """Net over cost: as estimated, low, high."""
        if self.cost == 0:
            return None
        net, low, high = self.net
        return net / self.cost, low / self.cost, high / self.cost


def campaign_return(value_effect: Effect, cost: float) -> CampaignReturn:
    """Return the account of a campaign whose treated customers gained so much value each.

    The cost is what was spent, with nothing uncertain about it; the interval is that of the
    effect, times the number of treated customers.

    Parameters
    ----------
    value_effect : Effect
        Effect on value a customer, before the campaign's cost, in major units.
    cost : float
        Contacts and accepted offers of all treated customers within the time that the effect
        counts, in major units. What was spent on control customers all the same is not taken off:
        it is nothing, or the campaign was not kept from them.

    Raises
    ------
    ValueError
        If the cost is negative.

    Notes
    -----
    Farris, Bendle, Pfeifer and Reibstein, "Marketing Metrics", on return on marketing investment:
    (incremental margin - spending) / spending.

    Examples
    --------
    >>> found = campaign_return(Effect(3.0, 1.0, 5.0, 1.0, 10.0, 7.0, 100, 50), cost=200.0)
    >>> found.net, found.return_on_investment
    ((100.0, -100.0, 300.0), (0.5, -0.5, 1.5))
    """
    if cost < 0:
        raise ValueError(f"cost is {cost}; give zero or more.")
    n_treated = value_effect.n_treated
    gain = (value_effect.effect, value_effect.low, value_effect.high)
    return CampaignReturn(cost, *(end * n_treated for end in gain))

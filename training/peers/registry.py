"""Which peers a contract type admits, and all of them fitted at a cutoff."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from features.mistakes import ConfigurationError, Mistake
from features.signal import Contract
from training.fit_errors import CannotBeFittedError
from training.known import Known
from training.peers import shop, subscription
from training.peers.peer import Peer

_NAMES: Mapping[Contract, tuple[str, ...]] = {
    "subscription": tuple(subscription.FITS),
    "transactional": tuple(shop.FITS),
}


@dataclass(frozen=True)
class FittedPeers:
    """Hold peers by name, and a warning for each that could not be fitted."""

    peers: Mapping[str, Peer] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def peers_of(contract: Contract, asked: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the names of the peers asked for, by default of all that the contract admits.

    Raises
    ------
    ConfigurationError
        If one does not exist, or is a model of the other contract type.
    """
    names = _NAMES[contract]
    if asked is None:
        return names
    mistakes = [
        Mistake("peer", name, f"{_why_not(name, contract)}; choose among {', '.join(names)}")
        for name in asked
        if name not in names
    ]
    if mistakes:
        raise ConfigurationError("a backtest cannot run these peers", mistakes)
    return tuple(dict.fromkeys(asked))


def fit_peers(known: Known, names: Sequence[str]) -> FittedPeers:
    """Fit peers on what was known at a cutoff; `names` come from `peers_of`.

    One that cannot be fitted is left out, with a warning.
    """
    peers: dict[str, Peer] = {}
    warnings = []
    for name, fit in _fits(known, names):
        try:
            peers[name] = fit()
        except CannotBeFittedError as error:
            warnings.append(f"{name} is left out: {error}")
    return FittedPeers(peers, tuple(warnings))


def _why_not(name: str, contract: Contract) -> str:
    other = next((kind for kind, names in _NAMES.items() if name in names), None)
    if other is None:
        return "no peer has this name"
    return f"it is a model of {other} customers and this business is {contract}"


def _fits(known: Known, names: Sequence[str]) -> Iterator[tuple[str, Callable[[], Peer]]]:
    """Yield each name with its fit; the past is read once for all."""
    if not names:
        return
    if known.business.contract == "transactional":
        buyers = shop.shop_past(known)
        for name in names:
            yield name, partial(shop.FITS[name], buyers)
        return
    with_signals = any(name in subscription.ON_SIGNALS for name in names)
    past = subscription.subscription_past(known, with_signals=with_signals)
    for name in names:
        yield name, partial(subscription.FITS[name], past)

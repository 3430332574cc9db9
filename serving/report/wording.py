"""How numbers are said to people: money, shares, counts, dates.

Rounded here and nowhere else; what is not known is a dash.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from babel.numbers import format_compact_currency, format_currency, format_decimal
from markupsafe import Markup

LOCALE = "en"
UNKNOWN = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
_MINUS = "\N{MINUS SIGN}"
_WHOLE = "\N{CURRENCY SIGN}#,##0"


@dataclass(frozen=True)
class Money:
    """Say amounts of one currency, given in major units; NaN and infinity are a dash."""

    currency: str

    def total(self, amount: float) -> str:
        """Say a sum to the unit, from 100,000 on to three digits.

        Examples
        --------
        >>> Money("EUR").total(12_340.4), Money("EUR").total(1_234_567)
        ('€12,340', '€1.23M')
        """
        return self.short(amount) if abs(amount) >= 100_000 else self._whole(amount)

    def each(self, amount: float) -> str:
        """Say what one customer is worth or costs: to the cent below 100, then to the unit.

        Examples
        --------
        >>> Money("EUR").each(12.5), Money("EUR").each(1_240.4)
        ('€12.50', '€1,240')
        """
        if not math.isfinite(amount):
            return UNKNOWN
        if abs(amount) >= 100:
            return self._whole(amount)
        return _typeset(format_currency(amount, self.currency, locale=LOCALE))

    def short(self, amount: float) -> str:
        """Say an amount to three digits, for axes and large sums.

        Examples
        --------
        >>> Money("EUR").short(12_345), Money("EUR").short(999_999)
        ('€12.3K', '€1M')
        """
        if not math.isfinite(amount):
            return UNKNOWN
        rounded = float(f"{amount:.3g}") + 0.0  # adding zero turns -0.0 into 0
        return _typeset(
            format_compact_currency(rounded, self.currency, locale=LOCALE, fraction_digits=2)
        )

    def change(self, amount: float) -> str:
        """Say a sum with its sign, a plus too; none where it rounds to nothing."""
        said = self.total(amount)
        return f"+{said}" if said not in (UNKNOWN, self.total(0.0)) and amount > 0 else said

    def _whole(self, amount: float) -> str:
        if not math.isfinite(amount):
            return UNKNOWN
        whole = float(round(amount)) + 0.0
        return _typeset(
            format_currency(
                whole, self.currency, format=_WHOLE, currency_digits=False, locale=LOCALE
            )
        )


def percent(share: float) -> str:
    """Say a share: one decimal below 10%, and never 0% or 100% of what is only near it.

    Examples
    --------
    >>> percent(0.058), percent(0.314), percent(0.00001), percent(0.9999)
    ('5.8%', '31%', 'under 0.1%', 'over 99.9%')
    """
    if not math.isfinite(share):
        return UNKNOWN
    if 0 < share < 0.001:
        return "under 0.1%"
    if 0.999 < share < 1:
        return "over 99.9%"
    decimals = 1 if abs(share) < 0.0995 or 0.985 <= share < 1 else 0
    return _typeset(f"{100 * share + 0.0:,.{decimals}f}".removesuffix(".0") + "%")


def number(value: float, decimals: int = 0) -> str:
    """Say a plain number with thousands apart and as many decimals as asked for."""
    if not math.isfinite(value):
        return UNKNOWN
    pattern = "#,##0." + "0" * decimals if decimals else "#,##0"
    return _typeset(format_decimal(round(value, decimals) + 0.0, format=pattern, locale=LOCALE))


def count_of(count: int, noun: str) -> str:
    """Say how many of a noun that takes an s: `1 customer`, `2,000 customers`."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def listed(words: Iterable[str]) -> str:
    """Join words as a sentence does: `a`, `a and b`, `a, b and c`."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def listed_parts(parts: Iterable[Markup]) -> Markup:
    """Join marked-up parts of a sentence as `listed` joins words."""
    *first, last = list(parts) or [Markup()]
    return Markup(", ").join(first) + Markup(" and ") + last if first else last


def day(instant: datetime) -> str:
    """Say an instant as its ISO date in UTC, with the time where it is not midnight."""
    utc = instant.astimezone(UTC)
    return f"{utc:%Y-%m-%d}" if (utc.hour, utc.minute) == (0, 0) else f"{utc:%Y-%m-%d %H:%M} UTC"


def strong(text: str) -> Markup:
    """Return text, escaped, as the figure that a sentence is about."""
    return Markup("<strong>{}</strong>").format(text)


def unbroken(text: str) -> Markup:
    """Return text, escaped, that no line break may part: a minus from its amount."""
    return Markup('<span class="unbroken">{}</span>').format(text)


def _typeset(said: str) -> str:
    return said.replace("-", _MINUS)

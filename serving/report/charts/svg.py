"""SVG elements as escaped text, and the frame that makes a drawing readable to everybody."""

from collections.abc import Callable, Iterable

from markupsafe import Markup

WIDE, NARROW = 760.0, 350.0
"""Widths that charts are drawn at, in pixels: for a laptop and paper, and for a phone."""


def element(tag: str, content: str = "", /, **attributes: str | float) -> Markup:
    """Return one element; `class_` is `class`, `text_anchor` is `text-anchor`.

    Text and attributes are escaped, unless they are Markup; numbers keep one decimal.

    Examples
    --------
    >>> str(element("text", "a < b", x=1.25, class_="tick"))
    '<text x="1.2" class="tick">a &lt; b</text>'
    """
    said = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _compact(value))
        for name, value in attributes.items()
    )
    return Markup("<{}{}>{}</{}>").format(tag, said, content, tag)


def together(parts: Iterable[Markup]) -> Markup:
    """Join drawn parts."""
    return Markup("").join(parts)


def drawing(
    name: str, title: str, description: str, size: tuple[float, float], parts: Iterable[Markup]
) -> Markup:
    """Return an `<svg>` image of (width, height), titled and described for who cannot see it.

    `name` is unique on the page: the title and the description are found by it.
    """
    width, height = size
    named = element("title", title, id=f"{name}-title")
    described = element("desc", description, id=f"{name}-desc")
    attributes: dict[str, str | float] = {
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": width,
        "height": height,
        "role": "img",
        "aria-labelledby": f"{name}-title",
        "aria-describedby": f"{name}-desc",
    }
    return element("svg", named + described + together(parts), **attributes)


def at_both_widths(draw: Callable[[float, str], Markup]) -> Markup:
    """Draw a chart for a laptop and for a phone; the style sheet shows one of them.

    `draw` takes the width and a suffix that keeps the two drawings' names apart.
    """
    wide = element("div", draw(WIDE, "wide"), class_="chart wide")
    return wide + element("div", draw(NARROW, "narrow"), class_="chart narrow")


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def label(x: float, y: float, text: str, class_: str = "tick", anchor: str = "start") -> Markup:
    """Return text whose `anchor` (start, middle, end) stands at x, its base line at y."""
    return element("text", text, x=x, y=y, class_=class_, text_anchor=anchor)


def path(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """Return an open line through points."""
    return element("path", d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points), class_=class_)


def _compact(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")

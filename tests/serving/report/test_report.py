import html
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from serving.report.content import ReportInput, render_report
from tests.serving.report.portfolios import business, content_of, large_content, lost, scores_of

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Collect a page's tags and attributes; refuse tags that do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def values(self, attribute: str) -> list[str]:
        return [found for _, attrs in self.tags if (found := attrs.get(attribute)) is not None]

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def degenerate() -> dict[str, ReportInput]:
    ordinary = scores_of([10.0, 20.0, -5.0])
    nulls = ordinary.assign(payback_month=None, value_at_stake=None, naive_value_x_months=None)
    arrays = ordinary.assign(survival=[np.array(curve) for curve in ordinary["survival"]])
    return {
        "five customers": content_of(scores_of([10.0, 20.0, -5.0, 100.0, 1_000.0])),
        "one customer": content_of(scores_of([10.0])),
        "all worth the same": content_of(scores_of([10.0] * 500)),
        "all worth nothing": content_of(scores_of([0.0] * 3)),
        "all loss-makers": content_of(scores_of([-3.0, -4.0, -1e6])),
        "no churn at all": content_of(scores_of([1.0, 2.0], [0.0, 0.0])),
        "certain churn": content_of(scores_of([1.0, 2.0], [1.0, 1.0])),
        "all lost": content_of(lost(4)),
        "nobody": content_of(scores_of([])),
        "nulls": content_of(nulls),
        "survival as arrays": content_of(arrays),
        "survival of some": content_of(ordinary.assign(survival=[None, [1.0], None])),
        "segments unknown": content_of(ordinary.assign(segment=None)),
        "customers unknown": content_of(ordinary, customers=pd.DataFrame({"customer_id": ["z"]})),
        "no customers table": content_of(ordinary, customers=pd.DataFrame()),
        "empty backtest": content_of(ordinary, backtest=[]),
        "shop": large_content(60, is_shop=True),
        "yen": content_of(scores_of([1e9, -5.0]), business=business(currency="JPY")),
        "one month": content_of(scores_of([5.0], horizon=1), business=business(horizon_months=1)),
    }


@pytest.mark.parametrize("name", degenerate())
def test_a_degenerate_portfolio_still_gives_a_whole_page(name):
    text = render_report(degenerate()[name])
    page = Page(text)
    assert len(page.named("h1")) == 1
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", text.split("</style>")[1])


@pytest.fixture(scope="module")
def report() -> str:
    return render_report(large_content(3_000))


def test_the_page_asks_nothing_of_the_network(report):
    page = Page(report)
    assert page.values("src") == []
    assert all(address.startswith("#") for address in page.values("href"))
    assert not re.search(r"https?:|url\(|@import|//[a-z]", report)


def test_the_page_admits_its_own_style_and_nothing_else(report):
    policy = Page(report).named("meta")[1]["content"]
    style = report.split("<style>")[1].split("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    page = Page(report)
    assert page.values("style") == page.named("script") == []
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]


def test_every_chart_is_an_image_with_a_title_and_a_description(report):
    page = Page(report)
    ids = page.values("id")
    charts = [attrs for attrs in page.named("svg") if attrs.get("role") == "img"]
    assert len(ids) == len(set(ids))
    assert len(charts) == 5 * 2 + 4
    for chart in charts:
        assert {chart["aria-labelledby"], chart["aria-describedby"]} <= set(ids)


def test_headings_descend_by_one_and_every_table_has_a_caption(report):
    page = Page(report)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert len(page.named("caption")) == len(page.named("table")) > 0


def test_anchors_lead_somewhere(report):
    page = Page(report)
    assert {address[1:] for address in page.values("href")} <= set(page.values("id"))


def test_names_that_look_like_markup_are_shown_as_they_are():
    content = large_content(50)
    nasty = "<script>alert(1)</script>"
    named = content.changes.assign(customer_id=nasty, segment=nasty, time_lever=-1e6)
    customers = content.customers.assign(acquisition_channel=nasty)
    scores = content.scores.assign(segment=f"{nasty}/high", model_version=nasty)
    scores["warnings"] = [[nasty]] * len(scores)
    text = render_report(
        content_of(
            scores,
            changes=named,
            customers=customers,
            title=nasty,
            backtest=[
                dict(row, model=row["model"].replace("naive_", nasty)) for row in content.backtest
            ],
        )
    )
    assert "<script" not in text
    assert html.escape(nasty) in text


def test_the_figures_of_a_small_portfolio_are_on_the_page():
    text = render_report(content_of(scores_of([100.0, 60.0, -10.0])))
    assert '<span class="equity">€150</span>' in text
    for stated in ("as of", "2024-06-01", "Model version", "10% a year", "Demo Telecom"):
        assert stated in text


def test_two_hundred_thousand_customers_make_a_small_file():
    assert len(render_report(large_content(200_000)).encode()) < 700_000


def test_the_same_input_gives_the_same_page():
    assert render_report(large_content(300)) == render_report(large_content(300))


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_stands_out_from_paper_in_both_schemes(report, scheme):
    light, dark = re.findall(r":root \{(.*?)\}", report, re.DOTALL)[:2]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", (light, dark)[scheme]))
    for name in ("ink", "soft", "accent", "low", "medium", "high"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    for name in ("gain", "loss", "cost", "m1", "m2", "m3", "m4"):
        assert contrast(colours[name], colours["paper"]) >= 3.0, name


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, relative luminance)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

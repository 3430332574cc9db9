import re
from html import unescape

import numpy as np
import pandas as pd
import pytest

from serving.report.portfolio import Portfolio, portfolio_of
from serving.report.sections.assumptions import assumptions_of, warnings_of
from serving.report.sections.backtest import backtest_section
from serving.report.sections.changes import changes_section, movement_of
from serving.report.sections.channels import channels_of, channels_section
from serving.report.sections.distribution import distribution_section
from serving.report.sections.headline import headline_of
from serving.report.sections.risk import risk_section
from serving.report.sections.section import Section, Table
from serving.report.sections.segments import segments_section
from serving.report.wording import Money
from tests.serving.report.portfolios import AS_OF, backtest_rows, business, lost, scores_of

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"


def plain(markup: str) -> str:
    return unescape(re.sub("<[^>]+>", "", markup))


def finding(section: Section) -> str:
    return plain(section.finding)


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for _, rows in table.groups for row in rows]


def portfolio(scores: pd.DataFrame, contract: str = "subscription", **changes) -> Portfolio:
    return portfolio_of(scores, business(contract, **changes), 24)


def test_the_headline_adds_up_active_customers_and_counts_the_lost():
    scores = pd.concat([scores_of([100.0, 60.0, -10.0]), lost(2)], ignore_index=True)
    headline = headline_of(portfolio(scores))
    assert headline.equity == "€150"
    assert plain(headline.sentence).startswith(
        "is what 3 active customers are expected to bring in contribution margin over the next "
        f"36 months, in today{APOSTROPHE}s money; 2 lost customers not counted."
    )
    figures = {fact.name: (fact.figure, plain(fact.note)) for fact in headline.facts}
    assert figures == {
        "Mean CLV": ("€50.00", "median €60.00"),
        "Worth less than nothing": ("1", f"33% of customers, together {MINUS}€10"),
        "Expected to leave within 3 months": ("0", "10% of customers"),
        "Value at stake": ("€8", "what it would add if nobody could leave for three months"),
    }


def test_the_headline_says_who_leaves_by_kind_of_exit_where_that_is_known():
    scores = scores_of([100.0] * 100, churn_3m=[0.1] * 100)
    kinds = {"voluntary": 0.08, "involuntary": 0.02, "other": 0.0}
    told = scores.assign(**{f"churn_3m_{kind}": share for kind, share in kinds.items()})

    notes = [
        {fact.name: plain(fact.note) for fact in headline_of(portfolio(table)).facts}
        for table in (scores, told)
    ]

    name = "Expected to leave within 3 months"
    assert notes[0][name] == "10% of customers"
    assert notes[1][name] == "10% of customers; by kind of exit: 8 voluntary, 2 involuntary"


def test_the_headline_says_how_far_the_total_may_be_off_or_that_nobody_knows():
    everybody = portfolio(scores_of([100.0, 60.0, -10.0]))

    known = plain(headline_of(everybody, (120.0, 180.0)).sentence)
    unknown = plain(headline_of(everybody).sentence)

    assert "comes out between €120 and €180 with a probability of 80%." in known
    assert "How far the total may be off cannot be said" in unknown


def test_the_top_tenth_and_the_loss_makers_are_said_by_hand():
    clv = [310.0] + [115.0] * 6 + [0.0] * 2 + [-12.0]
    section = distribution_section(portfolio(scores_of(clv)))
    assert finding(section) == (
        "The top 10% of customers hold 31% of all positive value; "
        f"1 customer (10%) is worth less than nothing, together {MINUS}€12."
    )
    assert texts(section.tables[0])[1] == ["10%", "1", "31%"]


def test_where_all_make_losses_no_share_is_invented():
    section = distribution_section(portfolio(scores_of([-5.0, -7.0])))
    assert finding(section) == (
        "No customer has a positive value; 2 customers (100%) are worth less than nothing, "
        f"together {MINUS}€12."
    )


def test_dear_customers_at_high_risk_are_counted_with_their_value():
    names = ["top/high", "high/high", "middle/high", "top/low"]
    section = risk_section(portfolio(scores_of([400.0, 200.0, 50.0, 900.0], None, names)))
    assert finding(section) == (
        "3 customers (75%) are at high risk, with €650 of CLV; "
        "2 of them are in the top or high value tier, worth €600."
    )


def test_survival_after_a_year_is_the_mean_of_the_band():
    churn = [1 - 0.5 ** (3 / 12), 1 - 0.9 ** (3 / 12)]
    scores = scores_of([10.0, 20.0], churn, ["middle/high", "top/low"])
    section = segments_section(portfolio(scores))
    assert finding(section) == (
        "After 12 months we expect still to have 90% of the customers at low risk and "
        "50% of the customers at high risk."
    )
    assert [heading for heading, _ in section.tables[0].groups] == [
        "Value tier top",
        "Value tier middle",
    ]


def test_a_horizon_below_a_year_is_judged_at_its_end():
    scores = scores_of([10.0], [1 - 0.8 ** (3 / 6)], horizon=6)
    assert "After 6 months we expect still to have 80%" in finding(
        segments_section(portfolio(scores, horizon_months=6))
    )


def test_a_shop_speaks_of_the_window_it_means_by_churn():
    scores = scores_of([100.0] * 100, churn_3m=[0.1] * 100, is_shop=True)
    shop = portfolio(scores, "transactional", churn_window_months=6)

    facts = {fact.name: plain(fact.note) for fact in headline_of(shop).facts}

    assert facts["Expected to buy nothing in the next 6 months"] == "1% of customers"
    assert "6-month churn" in segments_section(shop).tables[0].columns


def test_a_shop_shows_who_is_expected_to_buy_nothing():
    scores = scores_of([10.0], [0.9 ** (3 / 12)], ["middle/low"], is_shop=True)
    section = segments_section(portfolio(scores, "transactional"))
    assert finding(section) == (
        "Within 12 months we expect no purchase from 90% of the customers at low risk."
    )
    assert texts(section.tables[0])[0][-1] == "\N{EN DASH}"


def test_channels_compare_value_with_cost_and_remember_who_left():
    scores = pd.concat([scores_of([100.0, 300.0, 50.0]), lost(1)], ignore_index=True)
    scores.loc[0, "payback_month"] = 6.0
    customers = pd.DataFrame(
        {
            "customer_id": ["c0", "c1", "c2", "x0"],
            "acquisition_channel": ["web", "web", "shop", "shop"],
            "acquisition_cost": [40.0, 60.0, np.nan, 10.0],
        }
    )
    web, shop = channels_of(portfolio(scores), customers)
    assert (web.name, web.n_active, web.lost_share) == ("web", 2, 0.0)
    assert (web.mean_clv, web.mean_cost, web.paid_back) == (200.0, 50.0, 0.5)
    assert web.median_payback_month == 6.0
    assert (shop.n_active, shop.lost_share, shop.mean_clv) == (1, 0.5, 50.0)
    assert np.isnan(shop.mean_cost)
    assert finding(channels_section(portfolio(scores), customers)) == (
        "Mean CLV is highest for web (€200 each, won for €50.00) and lowest for shop (€50.00 each)."
    )


def test_small_channels_beyond_ten_are_joined():
    n = 20
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{row}" for row in range(n)],
            "acquisition_channel": [f"channel {row}" for row in range(n)],
        }
    )
    channels = channels_of(portfolio(scores_of([1.0] * n)), customers)
    assert len(channels) == 11
    assert (channels[-1].name, channels[-1].n_active) == ("all other channels", 10)


def test_without_any_cost_the_channel_section_says_so():
    nothing = pd.DataFrame({"customer_id": ["c0"]})
    section = channels_section(portfolio(scores_of([1.0])), nothing)
    assert finding(section).startswith("No acquisition channel or cost is recorded")
    assert not section.tables


def changes() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "clv_before": [100.0, 200.0, 50.0],
            "clv_now": [60.0, 150.0, 60.0],
            "time_lever": [-33.0, -5.0, 8.0],
            "value_lever": [-7.0, -45.0, 2.0],
            "segment_before": ["top/low", "top/low", "middle/low"],
            "segment": ["middle/high", None, "middle/low"],
        }
    )


def test_the_levers_of_the_portfolio_are_the_sums_over_customers():
    movement = movement_of(changes())
    assert (movement.change, movement.time, movement.value) == (-80.0, -30.0, -50.0)


def test_losers_are_ranked_by_what_the_levers_took():
    section = changes_section(changes(), Money("EUR"))
    assert finding(section) == (
        f"3 customers of a month before went from €350 to €270 ({MINUS}€80, {MINUS}23%). "
        "2 customers lost value by a lever, 1 of them mostly by the time lever."
    )
    rows = texts(section.tables[0])
    assert [row[0] for row in rows] == ["b", "a"]
    assert [row[-2:] for row in rows] == [
        ["value", "top/low → lost"],
        ["time", "top/low → middle/high"],
    ]


def test_customers_whose_levers_are_not_known_are_left_out_and_counted():
    section = changes_section(changes().assign(time_lever=[-33.0, None, 8.0]), Money("EUR"))
    assert finding(section).startswith("2 customers of a month before went from €150 to €120")
    assert section.notes[-1] == "1 customer left out: a lever of theirs is not known."


@pytest.mark.parametrize("none", [None, changes().iloc[:0]])
def test_without_an_earlier_score_nothing_is_compared(none):
    section = changes_section(none, Money("EUR"))
    assert finding(section).startswith("No customer was scored both now and one month before")


def test_the_backtest_is_said_for_the_longest_horizon_and_newest_cutoff():
    section = backtest_section(backtest_rows(), portfolio(scores_of([1.0])))
    assert finding(section) == (
        f"Over 12 months from 2023-01-01 keepworth{APOSTROPHE}s total was 3% above what came; "
        f"value {TIMES} months was 14% above what came; margin ÷ churn was 8% below what came."
    )


def test_only_the_best_figure_of_a_column_is_bold():
    churn = backtest_section(backtest_rows(), portfolio(scores_of([1.0]))).tables[0]
    heading, rows = churn.groups[0]
    bold = [[cell.text for cell in row if cell.is_best] for row in rows]
    assert heading == "12 months from 2023-01-01"
    assert bold == [["0.2100", "1.03"], [], []]


def test_a_formula_that_predicted_nothing_comparable_is_not_judged():
    rows = [dict(row, predicted_actual=None) for row in backtest_rows()]
    section = backtest_section(rows, portfolio(scores_of([1.0])))
    assert f"keepworth{APOSTROPHE}s total cannot be compared: nothing came" in finding(section)
    assert not section.charts


def test_without_a_backtest_the_section_says_how_to_run_one():
    section = backtest_section(None, portfolio(scores_of([1.0])))
    assert "keepworth backtest" in finding(section)


def test_naive_formulas_stand_beside_customer_equity():
    table = backtest_section(None, portfolio(scores_of([100.0, 50.0]))).tables[0]
    assert texts(table) == [
        ["keepworth (customer equity)", "€150", f"1.0{TIMES}"],
        [f"value {TIMES} months", "€300", f"2.0{TIMES}"],
    ]


def test_what_is_extrapolated_is_said_with_its_share_of_equity():
    scores = scores_of([36.0], horizon=36)
    stated = dict(assumptions_of(portfolio(scores, annual_discount_rate=0.0), AS_OF, AS_OF))
    assert stated["Extrapolation"] == (
        "12 of 36 months lie beyond the longest that training saw (24); "
        "they carry 33% of customer equity"
    )
    assert stated["Gross margin"] == "80% of revenue"
    assert stated["Cost to serve"] == "€1.20 a month and €4.00 per support"


def test_a_warning_about_some_customers_says_how_many():
    scores = scores_of([1.0, 2.0])
    scores["warnings"] = [["all"], ["all", "one"]]
    assert warnings_of(portfolio(scores)) == ["all", "one (1 customer)"]

"""The formulas people use today, by the names people know, on the same customers."""

import numpy as np

from serving.report.portfolio import Portfolio
from serving.report.sections.section import Table, plain_table
from serving.report.wording import TIMES, UNKNOWN, number
from valuation.equity import customer_equity

_NAMES = {
    "naive_value_x_months": f"value {TIMES} months",
    "naive_margin_over_churn": "margin \N{DIVISION SIGN} churn",
    "naive_basket_x_frequency_x_lifetime": f"basket {TIMES} frequency {TIMES} lifetime",
    "naive_trailing_rule": "recent spend, repeated",
    "kaplan_meier": "Kaplan-Meier",
    "sbg": "sBG",
    "cox": "Cox",
    "aft": "AFT",
    "bg_nbd_gamma_gamma": "BG/NBD, Gamma-Gamma",
    "pareto_nbd_gamma_gamma": "Pareto/NBD, Gamma-Gamma",
}


def model_name(model: str) -> str:
    """Return a model's name as the page says it; unknown ones lose their underscores."""
    return _NAMES.get(model, model.removeprefix("naive_").replace("_", " "))


def naive_table(portfolio: Portfolio) -> Table | None:
    """Return today's total by each formula as people use it; None where scores hold none."""
    money, own = portfolio.money, customer_equity(portfolio.clv)
    rows = [["keepworth (customer equity)", money.total(own), f"1.0{TIMES}"]]
    for column in portfolio.active.columns:
        values = portfolio.numbers(column) if column.startswith("naive_") else np.array([np.nan])
        if np.isfinite(values).all():
            total = customer_equity(values)
            ratio = f"{number(total / own, 1)}{TIMES}" if own > 0 else UNKNOWN
            rows.append([model_name(column), money.total(total), ratio])
    if len(rows) == 1:
        return None
    caption = (
        "These customers today, by the formulas as people use them: not discounted, "
        "some on revenue instead of margin"
    )
    return plain_table(caption, ("Formula", "All active customers", "To customer equity"), rows)

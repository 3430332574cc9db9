"""What is asked of a business is known then: nothing later touches words or references."""

import pyarrow as pa

from features.asked import Asked, Inputs, asked_at
from features.catalogue import Vocabulary, catalogue
from features.contract import PLAN_COLUMNS
from features.log import arrow_schema
from tests.features.histories import events_of, moment
from tests.features.strategies import ROLLS
from tests.features.test_population import subscribers
from tests.features.test_vocabulary import log_of

AS_OF, LATER = moment("2024-04-01"), moment("2024-06-01")
KNOWN = (
    *subscribers(20, 10.0),
    *[(f"c{n:03d}", "support", "2024-03-31", {"label": "high"}) for n in range(20)],
    ("c000", "usage", "2024-03-31", {"amount": 1.0, "label": "minutes"}),
)
LATER_ALIKE = (("plan_change", 99.0, "Max"), ("usage", 5.0, "pages"), ("support", None, "low"))
WHEN = (("2024-04-01", "2024-04-01"), ("2024-03-15", "2024-04-01"), ("2024-04-02", "2024-03-01"))


def customer(name: str, country: str, acquired: str | None) -> dict:
    since = acquired and moment(acquired)
    return {"customer_id": name, "acquired_at": since, "country": country}


def plan(name: str, price: float, since: str) -> dict:
    return {"plan": name, "list_amount": price, "valid_from": moment(since)}


def asked(folder, events, customers, plans, as_of=AS_OF) -> Asked:
    folder.mkdir()
    log = log_of(
        folder,
        events=events_of(*events),
        customers=pa.Table.from_pylist(customers),
        plans=pa.Table.from_pylist(plans, arrow_schema(PLAN_COLUMNS)),
    )
    return asked_at(Inputs(log, ROLLS, ("country",)), [as_of])[0]


def test_what_becomes_known_later_changes_nothing_that_is_asked_before(tmp_path):
    customers = [customer(f"c{n:03d}", "AT", "2024-01-10" if n else None) for n in range(20)]
    plans = [plan("Basic", 10.0, "2024-01-01")]
    later_events = [
        (f"{who}{n:03d}", kind, occurred, {"amount": amount, "label": label, "recorded_at": known})
        for who in "cd"
        for n in range(40)
        for kind, amount, label in LATER_ALIKE
        for occurred, known in WHEN
    ]
    later_customers = [
        customer(f"{who}{n:03d}", country, acquired)
        for who, country, acquired in (("d", "DE", None), ("e", "CH", "2024-04-01"))
        for n in range(40)
    ]
    later_plans = [plan("Basic", 12.0, "2024-04-01"), {**plan("Max", 9, "2024-04-02")}]
    later_plans[1]["allowance"] = 100.0
    more = (
        [*KNOWN, *later_events],
        [*customers, *later_customers],
        [*plans, *later_plans],
    )

    then = asked(tmp_path / "then", KNOWN, customers, plans)
    in_hindsight = asked(tmp_path / "in hindsight", *more)
    afterwards = asked(tmp_path / "afterwards", *more, as_of=LATER)

    words = Vocabulary(("minutes",), {"country": ("AT",)}, ("high",))
    assert then.signals == catalogue("subscription", words)
    assert then.references.ladder == {"Basic": 1000}
    assert in_hindsight == then
    grown = Vocabulary(
        ("minutes", "pages"), {"country": ("AT", "CH", "DE")}, ("high", "low"), has_allowances=True
    )
    assert afterwards.signals == catalogue("subscription", grown)
    assert afterwards.references.ladder == {"Basic": 1200, "Max": 900}
    assert afterwards.references.cohort_prices != then.references.cohort_prices

"""Who was assigned, read from the log: by the first time, with what was spent on them."""

import pyarrow as pa
import pytest

from features.instants import instant_from_text
from features.mistakes import NotFoundError
from tests.training.worlds import at, ingested_log, operator_business
from training.experiments.assignments import assignments_of

ROWS = [
    ("a", "assignment", "2024-01-05", "w/inter/treated", None),
    ("a", "assignment", "2024-02-05", "w/inter/control", None),
    ("b", "assignment", "2024-01-06", "w/inter/control", None),
    ("c", "assignment", "2024-01-06", "spring/treated", None),
    ("a", "contact", "2024-01-06", "w/inter", 0.5),
    ("a", "contact", "2024-01-07", "w/inter", None),
    ("a", "offer", "2024-01-08", "w/inter", 10.0),
    ("a", "contact", "2024-01-09", "spring", 7.0),
    ("b", "assignment", "2024-03-01", "w/inter/treated", None),
]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    ids, kinds, days, labels, amounts = zip(*ROWS, strict=True)
    events = pa.table(
        {
            "customer_id": list(ids),
            "kind": list(kinds),
            "occurred_at": [f"{day}T10:00:00Z" for day in days],
            "label": list(labels),
            "amount": pa.array(amounts, pa.float64()),
        }
    )
    return ingested_log(tmp_path_factory.mktemp("assigned"), events, operator_business())


def read(log, campaign, before="2024-06-01"):
    return assignments_of(log, campaign, instant_from_text(before))


def test_the_first_assignment_counts_and_a_later_one_is_told(log):
    found = read(log, "w/inter")

    assert found.customer_ids.tolist() == ["a", "b"]
    assert found.arm.tolist() == ["treated", "control"]
    assert found.at.tolist() == [at("2024-01-05T10:00"), at("2024-01-06T10:00")]
    assert (found.arms, found.is_randomised, found.n_moved) == (("treated",), True, 2)


def test_only_what_this_campaign_spent_is_its_cost(log):
    found = read(log, "w/inter")

    assert found.cost.tolist() == [10.5, 0.0]
    assert found.n_contacts.tolist() == [2, 0]


def test_what_was_not_known_yet_is_not_read(log):
    found = read(log, "w/inter", before="2024-01-07")

    assert (found.cost.tolist(), found.n_moved) == ([0.5, 0.0], 0)


def test_a_campaign_without_control_was_not_randomised(log):
    assert not read(log, "spring").is_randomised


def test_an_unknown_campaign_names_those_that_are_known(log):
    with pytest.raises(NotFoundError, match="expected one of spring, w/inter"):
        read(log, "autumn")

"""Who was assigned, read from the log: by the first time, with what was spent on them."""

import numpy as np
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


def spent(found, since="2024-01-01", until="2024-06-01"):
    n = len(found.at)
    cost, n_contacts = found.spent(*(np.full(n, at(f"{day}T00:00")) for day in (since, until)))
    return cost.tolist(), n_contacts.tolist()


def test_only_what_this_campaign_spent_is_its_cost(log):
    assert spent(read(log, "w/inter")) == ([10.5, 0.0], [2, 0])


def test_what_was_spent_is_known_by_time(log):
    found = read(log, "w/inter")

    assert spent(found, since="2024-01-07") == ([10.0, 0.0], [1, 0])
    assert spent(found, until="2024-01-08") == ([0.5, 0.0], [2, 0])
    assert spent(found.only(np.array([False, True]))) == ([0.0], [0])
    assert spent(found.only(np.array([True, False]))) == ([10.5], [2])


def test_what_was_not_known_yet_is_not_read(log):
    found = read(log, "w/inter", before="2024-01-07")

    assert spent(found) == ([0.5, 0.0], [1, 0])
    assert found.n_moved == 0


def test_a_campaign_without_control_was_not_randomised(log):
    assert not read(log, "spring").is_randomised


def test_an_unknown_campaign_names_those_that_are_known(log):
    with pytest.raises(NotFoundError, match="expected one of spring, w/inter"):
        read(log, "autumn")

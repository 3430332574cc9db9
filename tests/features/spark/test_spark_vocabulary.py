"""The words of a business are the same whoever counts them."""

import pyarrow as pa
import pytest

from features.spark.tables import SparkTables
from features.spark.vocabulary import vocabularies_of_tables
from features.vocabulary import vocabulary_of
from tests.features.histories import events_of, moment
from tests.features.strategies import ROLLS
from tests.features.test_vocabulary import log_of
from tests.running_spark import SMALL_BATCHES, running_spark

pytestmark = [pytest.mark.long, pytest.mark.spark]

AS_OFS = [moment("2024-04-01"), moment("2024-04-02")]


def test_levels_count_from_the_same_moment_on_as_in_a_log(tmp_path):
    everybody = [(country, number) for country in ("AT", "BE", "CH", "DE") for number in range(20)]
    customers = [
        {"customer_id": f"{country} {number}", "country": country}
        | {"acquired_at": moment("2024-03-01") if country == "DE" else None}
        for country, number in everybody
    ]
    known = {"AT": "2024-03-31", "BE": "2024-04-01"}
    events = [
        (f"{country} {number}", "support", "2024-03-31", {"recorded_at": known[country]})
        for country, number in everybody
        if country in known
    ]
    later = [(f"CH {number}", "support", "2024-04-01") for number in range(20)]
    table = pa.Table.from_pylist(customers)
    log = log_of(tmp_path, events=events_of(*events, *later), customers=table)

    found = vocabularies_of_tables(
        SparkTables(running_spark(), SMALL_BATCHES, log), ROLLS, ["country"], AS_OFS
    )

    assert found[0].levels == {"country": ("AT", "DE")}
    assert found == [vocabulary_of(log, ROLLS, ["country"], as_of) for as_of in AS_OFS]

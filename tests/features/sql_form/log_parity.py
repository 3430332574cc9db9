"""The kernel and the SQL form side by side on a whole log, bucket by bucket."""

from collections.abc import Sequence

import duckdb

from features.catalogue import catalogue
from features.instants import datetime_of, instant_of
from features.log import Log
from features.population import references_of
from features.rules import CustomerRules
from features.vocabulary import vocabulary_of
from tests.features.sql_form.form import SqlForm
from tests.features.sql_form.parity import Business, Difference, differences

MEMORY_LIMIT = "2GB"


def instants_of(log: Log, n_instants: int) -> list[int]:
    """Return instants spread over the log; the last one is just after the last event."""
    first, last = (instant_of(moment) for moment in log.span())
    step = (last - first) // n_instants
    return [*(first + step * number for number in range(1, n_instants)), last + 1]


def differences_in_log(
    log: Log, rules: CustomerRules, attributes: Sequence[str], instants: Sequence[int]
) -> list[Difference]:
    """Return where kernel and SQL form differ on every customer of a log.

    Words and references are the business's own: of both what was known at the last instant, and
    at each.
    """
    vocabulary = vocabulary_of(log, rules, attributes, datetime_of(max(instants)))
    references = dict(zip(instants, references_of(log, rules, instants), strict=True))
    signals, customers = catalogue(rules.contract, vocabulary), log.read_customers()
    business = Business(signals, rules, tuple(attributes), customers)
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "threads": 1}) as connection:
        form = SqlForm(connection, signals, rules, customers)
        return [
            difference
            for bucket in range(log.n_buckets)
            for difference in differences(business, form, log.read_events(bucket), references)
        ]

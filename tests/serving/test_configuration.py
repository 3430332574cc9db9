"""Every mistake in a `keepworth.toml` is told once, with key, value and what to give."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.mistakes import ConfigurationError, Mistake
from serving.configuration import read_configuration
from tests.serving.commands.small_workspace import CONFIGURATION, changed, with_setting


def mistakes_in(folder: Path, text: str) -> list[Mistake]:
    path = folder / "keepworth.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        read_configuration(path)
    return list(error.value.mistakes)


PLANTED = {
    "unknown currency": (
        changed('"EUR"', '"EURO"'),
        "business.currency is 'EURO'; expected an ISO 4217 code such as EUR, USD or GBP",
    ),
    "no months": (
        changed("= 12", "= 0"),
        "business.horizon_months is 0; expected a whole number from 1 to 240",
    ),
    "half a month": (
        changed("= 12", "= 12.5"),
        "business.horizon_months is 12.5; expected a whole number from 1 to 240",
    ),
    "a truth for a number": (
        changed("= 12", "= true"),
        "business.horizon_months is true; expected a whole number from 1 to 240",
    ),
    "a rate in words": (
        changed("= 0.1\n", '= "10%"\n'),
        (
            "business.annual_discount_rate is '10%'; "
            "expected a number above -1 and up to 10, such as 0.10 for 10% a year"
        ),
    ),
    "a rate that is no number": (
        changed("= 0.1\n", "= nan\n"),
        (
            "business.annual_discount_rate is nan; "
            "expected a number above -1 and up to 10, such as 0.10 for 10% a year"
        ),
    ),
    "a margin above 1": (
        changed("= 0.8", "= 1.5"),
        (
            "business.gross_margin is 1.5; "
            "expected a share from 0 to 1, or a table of such shares by label"
        ),
    ),
    "a margin above 1 for a label": (
        changed("= 0.8", "= { Basic = 1.5, default = 0.5 }"),
        (
            "business.gross_margin.Basic is 1.5; "
            "expected a share from 0 to 1, or a table of such shares by label"
        ),
    ),
    "a limit out of reach": (
        with_setting("[service]\nbody_bytes = 5"),
        "service.body_bytes is 5; expected a whole number from 10,000 to 1,000,000,000",
    ),
    "a month by name": (
        with_setting('month = "lunar"'),
        "business.month is 'lunar'; expected \"calendar\" or a number of days from 1 to 366",
    ),
    "a cost below nothing": (
        with_setting("cost_to_serve = { support = -3 }"),
        (
            "business.cost_to_serve.support is -3; "
            "expected an amount of money, 0 or more, for each key"
        ),
    ),
    "observed backwards": (
        with_setting("observed_from = 2024-05-01\nobserved_until = 2024-01-01"),
        (
            "business.observed_until is 2024-01-01; "
            "expected an instant later than observed_from, 2024-05-01"
        ),
    ),
    "a local time": (
        with_setting("observed_from = 2024-05-01T00:00:00"),
        (
            "business.observed_from is 2024-05-01T00:00:00; "
            "expected a date (00:00 UTC), or a time with zone such as 2024-01-01T00:00:00Z"
        ),
    ),
    "a shop with MRR": (
        changed('"subscription"', '"transactional"\nrevenue = "mrr"'),
        "business.revenue is 'mrr'; a transactional business has revenue = \"payments\"",
    ),
    "payments counted twice": (
        with_setting('revenue = "payments"\nextra_revenue = ["setup fee"]'),
        (
            "business.extra_revenue is ['setup fee']; "
            'it goes with revenue = "mrr"; payments all count already'
        ),
    ),
    "extra revenue without text": (
        with_setting('extra_revenue = ["setup fee", ""]'),
        (
            "business.extra_revenue is ['setup fee', '']; "
            "expected labels with text; a payment without label bears none"
        ),
    ),
    "extra revenue named twice": (
        with_setting('extra_revenue = ["roaming", "setup fee", "roaming"]'),
        (
            "business.extra_revenue is ['roaming', 'setup fee', 'roaming']; "
            "expected each label once, 'roaming' comes again"
        ),
    ),
    "no such contract": (
        changed('"subscription"', '"subscriptions"'),
        (
            "business.contract is 'subscriptions'; "
            'expected "subscription" or "transactional" (did you mean "subscription"?)'
        ),
    ),
    "no such table": (
        changed('into = "events"', 'into = "event"'),
        (
            "sources[events].into is 'event'; "
            'expected "events", "customers" or "plans" (did you mean "events"?)'
        ),
    ),
    "no such zone": (
        changed("select =", 'time_zone = "Europe/Viena"\nselect ='),
        (
            "sources[events].time_zone is 'Europe/Viena'; "
            "expected a zone of the IANA database such as UTC or Europe/Vienna"
        ),
    ),
    "a file without name": (
        changed('{ raw = "raw.csv" }', '"raw.csv"'),
        (
            "sources[events].files is 'raw.csv'; expected a table of view names and paths or "
            'globs, such as { raw = "data/raw.csv" }'
        ),
    ),
    "no sources": (
        CONFIGURATION.partition("[[sources]]")[0],
        "sources is missing; give at least one table [[sources]], in double brackets",
    ),
    "a key left out": (
        changed('currency = "EUR"\n', ""),
        "business.currency is missing; give an ISO 4217 code such as EUR, USD or GBP",
    ),
    "an attribute that is no list": (
        CONFIGURATION + '[features]\nattributes = "country"\n',
        (
            "features.attributes is 'country'; "
            'expected a list of columns of the customers source, such as ["country"]'
        ),
    ),
    "a scale that is no power of ten": (
        CONFIGURATION + "[features.usage_scale]\ngigabytes = 1024\n",
        "features.usage_scale.gigabytes is 1024; expected a power of ten from 1 to 1000000000",
    ),
    "a scale that is too fine": (
        CONFIGURATION + "[features.usage_scale]\ngigabytes = 10_000_000_000\n",
        (
            "features.usage_scale.gigabytes is 10000000000; "
            "expected a power of ten from 1 to 1000000000"
        ),
    ),
    "a scale in fractions": (
        CONFIGURATION + "[features.usage_scale]\ngigabytes = 0.1\n",
        (
            "features.usage_scale.gigabytes is 0.1; expected a table of metrics, each with a power "
            "of ten from 1 to 1000000000 such as 1000000"
        ),
    ),
    "a scale of the business": (
        with_setting("usage_scale = { gigabytes = 1000 }"),
        (
            "business.usage_scale is {'gigabytes': 1000}; "
            "expected in [features.usage_scale]; move it there"
        ),
    ),
    "a share above 1": (
        CONFIGURATION + "[ingest]\nmax_quarantined_share = 5\n",
        "ingest.max_quarantined_share is 5; expected a share from 0 to 1",
    ),
    "settings that are not Spark's": (
        CONFIGURATION + "[spark]\nconf = { cores = 4 }\n",
        (
            "spark.conf is {'cores': 4}; cores: expected a table of Spark settings such as "
            '{ "spark.executor.memory" = "8g" }'
        ),
    ),
    "a place for Spark that is none": (
        CONFIGURATION + '[spark]\nevents = ""\n',
        "spark.events is ''; expected a path or URL of Parquet with events",
    ),
}


@pytest.mark.parametrize(("text", "said"), PLANTED.values(), ids=PLANTED.keys())
def test_a_mistake_is_told_once_with_key_value_and_expectation(tmp_path, text, said):
    assert [str(mistake) for mistake in mistakes_in(tmp_path, text)] == [said]


def test_an_unknown_key_is_answered_with_the_closest_known_one(tmp_path):
    (mistake,) = mistakes_in(tmp_path, changed("gross_margin", "gros_margin"))
    assert str(mistake).startswith(
        "business.gros_margin is 0.8; no such key; did you mean gross_margin? expected one of"
    )


def test_a_cost_of_an_unknown_kind_is_answered_with_the_closest_kind(tmp_path):
    (mistake,) = mistakes_in(tmp_path, with_setting("cost_to_serve = { suport = 3 }"))
    assert str(mistake).startswith(
        "business.cost_to_serve.suport is no known key; did you mean support? expected per_month"
    )


def test_all_mistakes_are_told_at_once(tmp_path):
    text = changed('"EUR"', '"EURO"').replace("= 12", "= 0").replace("= 0.8", "= 1.5")
    keys = [mistake.key for mistake in mistakes_in(tmp_path, text)]
    assert keys == ["business.currency", "business.gross_margin", "business.horizon_months"]


def test_a_scale_of_the_business_is_told_beside_other_mistakes(tmp_path):
    text = with_setting("usage_scale = { gigabytes = 3 }").replace('"EUR"', '"EURO"')
    keys = [mistake.key for mistake in mistakes_in(tmp_path, text)]
    assert keys == ["business.usage_scale", "business.currency"]


def test_the_business_knows_the_scales_that_features_declare(tmp_path):
    path = tmp_path / "keepworth.toml"
    path.write_text(CONFIGURATION + "[features.usage_scale]\ngigabytes = 1_000_000\n")
    assert read_configuration(path).business.usage_scale == {"gigabytes": 1_000_000}


def test_what_is_no_toml_is_named_with_line_and_column(tmp_path):
    (mistake,) = mistakes_in(tmp_path, changed('"EUR"', "EUR"))
    assert mistake.value == "not readable (Invalid value (at line 3, column 12))"
    assert "text stands in quotes" in mistake.expected


def test_a_file_in_another_encoding_is_a_mistake(tmp_path):
    path = tmp_path / "keepworth.toml"
    path.write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigurationError, match=r"byte 5 is not UTF-8\); expected UTF-8 text"):
        read_configuration(path)


def test_a_date_bounds_observation_at_midnight_utc(tmp_path):
    path = tmp_path / "keepworth.toml"
    path.write_text(with_setting("observed_from = 2024-05-01"))
    observed_from = read_configuration(path).business.observed_from
    assert observed_from == datetime(2024, 5, 1, tzinfo=UTC)

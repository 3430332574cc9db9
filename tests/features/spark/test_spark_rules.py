"""`[spark]` takes settings as TOML writes them, and names what it cannot use."""

import tomllib

import pytest
from pydantic import ValidationError

from features.spark.rules import SparkRules


@pytest.mark.parametrize(
    "text",
    ['conf = { "spark.executor.cores" = 4 }', "[conf]\nspark.executor.cores = 4"],
)
def test_a_setting_may_be_written_with_quotes_or_with_dots(text):
    assert SparkRules.model_validate(tomllib.loads(text)).conf == {"spark.executor.cores": "4"}


def test_truths_are_written_as_spark_reads_them():
    rules = SparkRules(conf={"spark.sql.adaptive.enabled": False})

    assert rules.conf == {"spark.sql.adaptive.enabled": "false"}


@pytest.mark.parametrize("conf", [{"executor.cores": 4}, {"spark.jars": ["a.jar"]}, "local"])
def test_what_is_no_setting_is_refused(conf):
    with pytest.raises(ValidationError):
        SparkRules(conf=conf)

"""The configuration of sources."""

import pytest
from pydantic import ValidationError

from features.sources import FeatureRules, IngestRules, Source

GIVEN = {"name": "s", "into": "events", "files": {"raw": "a.csv"}, "select": "SELECT 1"}


def test_a_source_needs_no_time_zone():
    assert Source.model_validate(GIVEN).time_zone is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("time_zone", "Vienna"),
        ("into", "event"),
        ("files", {}),
        ("name", ""),
        ("selekt", "SELECT 1"),
    ],
)
def test_a_wrong_setting_is_named(key, value):
    with pytest.raises(ValidationError) as error:
        Source.model_validate(GIVEN | {key: value})
    assert {fault["loc"][0] for fault in error.value.errors()} == {key}


def test_one_row_in_a_hundred_may_be_quarantined_unless_told_otherwise():
    assert IngestRules().max_quarantined_share == 0.01
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        IngestRules(max_quarantined_share=1.5)


def test_no_attribute_becomes_a_feature_unless_declared():
    assert FeatureRules().attributes == []

"""The pages under docs/ name what the code has, and all of it where they say so."""

import importlib
import re
import tomllib
from pathlib import Path

import duckdb
import pytest

from features.contract import CUSTOMER_COLUMNS, EVENT_COLUMNS, KINDS, PLAN_COLUMNS
from serving.api.openapi import OPERATIONS
from serving.api.problems import PROBLEM_KINDS
from serving.api.watched_metrics import WATCHED
from serving.campaigns import decisions, verdicts
from serving.campaigns.campaign import Campaign, ContactRules
from serving.configuration import Configuration, keys_of
from serving.limits import DEFAULT_LIMITS
from training.score_table import score_schema

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("features", "valuation", "training", "serving")
NAIVE = (
    "naive_value_x_months",
    "naive_margin_over_churn",
    "naive_basket_x_frequency_x_lifetime",
    "naive_trailing_rule",
)


def page(name):
    return (CHECKOUT / "docs" / name).read_text("utf-8")


def rows_of(name, heading):
    """Return the cells of the tables below a heading, without header and ruler."""
    section = re.split(r"(?m)^#+ ", page(name).split(f"{heading}\n", 1)[1])[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in rows if not row[0].startswith("---")][1:]


def quoted(text):
    return re.findall(r"`([^`]+)`", text)


@pytest.fixture(scope="module")
def words_of_the_code():
    sources = (path for package in PACKAGES for path in (CHECKOUT / package).rglob("*.py"))
    return {word for path in sources for word in re.findall(r"\w+", path.read_text("utf-8"))}


def test_every_term_of_the_glossary_has_its_name_in_the_code(words_of_the_code):
    lines = [line for line in page("glossary.md").splitlines() if line.startswith("| ")]
    named = {line.split("|")[1].strip(): quoted(line.split("|")[3]) for line in lines}
    del named["term"]

    assert len(named) > 50
    assert [term for term, names in named.items() if len(names) != 1] == []
    assert [names for names in named.values() if names[0] not in words_of_the_code] == []


def test_numbers_of_the_method_are_those_of_the_code():
    for _, where, value in rows_of("method.md", "## Numbers in the code"):
        module, _, name = quoted(where)[0].rpartition(".")
        assert str(getattr(importlib.import_module(module), name)) == value, where


@pytest.mark.parametrize("columns", [EVENT_COLUMNS, CUSTOMER_COLUMNS, PLAN_COLUMNS])
def test_every_column_of_the_contract_is_described(columns):
    assert set(columns) <= set(quoted(page("data.md")))


def test_every_kind_is_described_with_its_labels():
    named = set(quoted(page("data.md")))

    assert {kind.name for kind in KINDS} <= named
    assert {label for kind in KINDS for label in kind.labels} <= named


@pytest.mark.parametrize(
    ("heading", "sections"),
    [
        ("### [business]", ("business",)),
        ("### [ingest] and [features]", ("ingest", "features")),
        ("### [spark]", ("spark",)),
        ("### [retraining]", ("retraining",)),
        ("### [[webhooks]]", ("webhooks",)),
        ("### [contacts]", ("contacts",)),
        ("### [[campaigns]]", ("campaigns",)),
        ("### [[sources]]", ("sources",)),
    ],
)
def test_the_keys_described_are_those_of_the_configuration(heading, sections):
    described = [quoted(row[0])[0] for row in rows_of("data.md", heading)]

    assert sorted(described) == sorted(key for section in sections for key in keys_of(section))


def test_example_configurations_are_accepted_and_each_select_is_one():
    examples = re.findall(r"```toml\n(.*?)```", page("data.md"), re.DOTALL)

    assert len(examples) == 2
    for example in examples:
        configuration = Configuration.model_validate(tomllib.loads(example))
        for source in configuration.sources:
            assert len(duckdb.extract_statements(source.select)) == 1


def test_gates_and_reasons_of_retraining_described_are_those_of_the_code():
    code = "\n".join(
        path.read_text("utf-8")
        for name in ("training", "serving/retraining")
        for path in (CHECKOUT / name).rglob("*.py")
    )
    headings = ("When it is due", "Gates before training", "Gates before a promotion")
    rows = [row for heading in headings for row in rows_of("retraining.md", f"## {heading}")]
    described = [quoted(row[0])[0] if quoted(row[0]) else row[0] for row in rows]

    assert len(described) == 25
    assert [name for name in described if f'"{name}"' not in code] == []


def test_metrics_of_monitoring_described_are_those_that_are_served():
    rows = rows_of("retraining.md", "## What came of forecasts")

    assert sorted(name for row in rows for name in quoted(row[0])) == sorted(WATCHED)


def test_the_example_of_a_campaign_is_accepted():
    [example] = re.findall(r"```toml\n(.*?)```", page("campaigns.md"), re.DOTALL)
    tables = tomllib.loads(example)

    assert ContactRules.model_validate(tables["contacts"]).quiet_until is not None
    assert [Campaign.model_validate(each).name for each in tables["campaigns"]] == ["stay-with-us"]


def test_every_verdict_on_a_contact_is_described():
    said = {
        value
        for module in (verdicts, decisions)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and name not in {"GLOBAL", "CONTROL", "TAKEN"}
    }
    described = " ".join(
        row[0] for row in rows_of("campaigns.md", "## What keeps a campaign from a customer")
    )

    assert len(said) == 8
    assert [each for each in said if each.partition(":")[0] not in described] == []


def test_every_column_of_scores_is_described():
    described = [name for row in rows_of("data.md", "## Scores") for name in quoted(row[0])]

    assert sorted(described) == sorted(score_schema(NAIVE).names)


def test_routes_described_are_those_that_are_served():
    described = [quoted(row[0])[0] for row in rows_of("service.md", "## Routes")]

    assert described == [f"{op.method.upper()} {op.path}" for op in OPERATIONS]


def test_limits_described_are_those_that_hold():
    described = {
        quoted(row[0])[0]: int(row[1].replace(",", ""))
        for row in rows_of("service.md", "## Limits")
    }

    assert described == DEFAULT_LIMITS.model_dump()
    assert list(described) == keys_of("service")


def test_problems_described_are_those_that_are_answered():
    described = [(int(row[0]), quoted(row[1])[0]) for row in rows_of("service.md", "## Problems")]

    assert described == [(kind.status, f"/docs#{kind.anchor}") for kind in PROBLEM_KINDS]


def test_modules_and_files_that_pages_name_exist():
    pages = [*(CHECKOUT / "docs").rglob("*.md"), CHECKOUT / "CONTRIBUTING.md"]
    named = {name for path in pages for name in quoted(path.read_text("utf-8"))}
    paths = [name for name in named if re.fullmatch(rf"({'|'.join(PACKAGES)}|tests)/[\w./]+", name)]

    assert paths
    assert [name for name in paths if not (CHECKOUT / name).exists()] == []


def test_links_between_pages_lead_somewhere():
    for path in [*(CHECKOUT / "docs").rglob("*.md"), CHECKOUT / "CONTRIBUTING.md"]:
        text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", text):
            assert target.startswith("http") or (path.parent / target).exists(), (path, target)

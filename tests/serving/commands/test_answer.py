"""What a command says, and with which exit code, when a model or the service fails it."""

import json
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from serving.api.not_serving import NotServingError
from serving.commands.answer import Answer, give
from training.bundle_files import load_bundle


def test_an_altered_model_is_refused_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bundle.json").write_text("{}")

    def work() -> Answer:
        load_bundle(tmp_path, "0" * 64, "7")
        raise AssertionError

    assert give(work, as_json=True) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["type"] == "keepworth:input-refused"
    assert told["errors"][0]["key"] == str(tmp_path / "bundle.json")
    # sha256 of the two characters {}.
    assert told["errors"][0]["value"] == "of sha256 44136fa355b3"
    assert told["errors"][0]["expected"].startswith("expected 000000000000; ")


def test_names_that_look_like_markup_are_printed_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = ["c[/x]7", "[vip]1001", ":smile:"]

    def show(console: Console) -> None:
        table = Table("customer", title=names[1])
        for name in names:
            table.add_row(name)
            console.print(name, style="bold")
        console.print(table)

    assert give(lambda: Answer({}, show), as_json=False) == 0
    told = capsys.readouterr().out
    assert [told.count(name) for name in names] == [2, 3, 2]


def test_a_service_that_ends_by_itself_is_our_fault_without_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work() -> Answer:
        raise NotServingError("The server ended by itself.")

    assert give(work, as_json=False) == 1
    assert capsys.readouterr().err == "keepworth: The server ended by itself.\n"

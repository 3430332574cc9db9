"""What a command says, and with which exit code, when a model or the service fails it."""

import json
from pathlib import Path

import pytest

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


def test_a_service_that_ends_by_itself_is_our_fault_without_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work() -> Answer:
        raise NotServingError("The server ended by itself.")

    assert give(work, as_json=False) == 1
    assert capsys.readouterr().err == "keepworth: The server ended by itself.\n"

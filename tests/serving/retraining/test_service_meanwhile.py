"""The service under load while what serves changes: no call fails, no answer is of two versions."""

import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from serving.api.serve import running_service
from serving.workspace import open_workspace
from tests.serving.api.calls import Row
from tests.serving.commands.terminal import done

CALLERS, CHANGES = 4, 6
pytestmark = pytest.mark.long


@pytest.fixture
def two_versions(folder: Path) -> Path:
    done("train", "-C", folder)
    assert len(done("promote", "--list", "-C", folder)["versions"]) == 2
    return folder


def asked(client: httpx.Client, ids: list[str]) -> Row:
    answer = client.post("/v1/score", json={"customer_ids": ids})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_under_load_a_promotion_and_a_rollback_fail_no_call_and_mix_no_answer(
    two_versions: Path,
) -> None:
    workspace = open_workspace(two_versions)
    ids = [f"c{number}" for number in range(0, 300, 20)]
    with running_service(workspace, workers=2) as base_url:
        expected: dict[str, list[Row]] = {}
        with httpx.Client(base_url=base_url, timeout=60, trust_env=False) as client:
            for change in ("promote", "rollback"):
                words = ("promote", "1") if change == "promote" else ("rollback",)
                done(*words, "-C", two_versions)
                answer = asked(client, ids)
                expected[answer["model_version"]] = answer["scores"]
        assert set(expected) == {"1", "2"}
        ended, faults, seen = threading.Event(), list[str](), Counter[str]()

        def call() -> None:
            with httpx.Client(base_url=base_url, timeout=60, trust_env=False) as client:
                while not ended.is_set():
                    try:
                        answer = asked(client, ids)
                        version = answer["model_version"]
                        seen[version] += 1
                        if answer["scores"] != expected[version]:
                            faults.append(f"an answer of version {version} is mixed")
                    except (AssertionError, httpx.HTTPError, KeyError) as error:
                        faults.append(repr(error))

        callers = [threading.Thread(target=call) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        for number in range(CHANGES):
            done(*(("promote", "1") if number % 2 == 0 else ("rollback",)), "-C", two_versions)
            time.sleep(0.5)
        ended.set()
        for caller in callers:
            caller.join()
    assert faults == []
    assert min(seen["1"], seen["2"]) > 0

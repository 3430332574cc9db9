"""`bentoml build` gives a Bento that serves a workspace with the code that is in it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from serving.version import VERSION
from serving.workspace import Workspace
from tests.serving.api.test_service import _free_port

CHECKOUT = Path(__file__).resolve().parents[3]
BENTOML = Path(sys.executable).with_name("bentoml")


@pytest.mark.long
def test_a_bento_serves_with_the_code_that_is_in_it(
    operator_workspace: Workspace, active_ids: list[str], tmp_path: Path
) -> None:
    uv = CHECKOUT / ".uv" / "bin"
    if not uv.exists():
        pytest.skip("a Bento is built with the uv of `make`, which is not here")
    environment = os.environ | {
        "BENTOML_HOME": str(tmp_path / "home"),
        "BENTOML_DO_NOT_TRACK": "True",
        "KEEPWORTH_WORKSPACE": str(operator_workspace.folder),
        "PATH": f"{uv}:{os.environ['PATH']}",
    }
    subprocess.run([BENTOML, "build"], env=environment, cwd=CHECKOUT, check=True)
    [bento] = [path for path in (tmp_path / "home/bentos/keepworth").iterdir() if path.is_dir()]
    assert {path.name for path in (bento / "src").iterdir()} >= {"features", "serving", "training"}
    assert not list((bento / "src").rglob("test_*.py"))
    page = bento / "src/serving/api/templates/start.html"
    page.write_text(page.read_text().replace("</body>", "<p>from the Bento</p></body>"))
    port = _free_port()
    process = subprocess.Popen(
        [BENTOML, "serve", f"keepworth:{bento.name}", "--port", str(port)],
        env=environment,
        cwd=tmp_path,
        start_new_session=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            await_ready(client)
            asked = {"customer_ids": active_ids[:3]}
            scores = client.post("/v1/score", json=asked, timeout=60).json()["scores"]
            assert [row["customer_id"] for row in scores] == active_ids[:3]
            assert client.get("/openapi.json").json()["info"]["version"] == VERSION
            assert "from the Bento" in client.get("/").text
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def await_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if client.get("/readyz").status_code == 200:
                return
        time.sleep(0.5)
    pytest.fail("the Bento was not ready within two minutes")

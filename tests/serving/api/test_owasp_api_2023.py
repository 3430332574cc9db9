"""The ten risks of the OWASP API Security Top 10 of 2023, each tried on the real server."""

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from features.ingest.lock import writing
from features.mistakes import ConfigurationError
from serving.api.application import create_application
from serving.api.cloud_events import STRUCTURED
from serving.api.current import Current
from serving.api.openapi import OPERATIONS
from serving.api.serve import serve
from serving.limits import DEFAULT_LIMITS, LONGEST_HORIZON, MOST_CUSTOMERS
from serving.store.draining import drain
from serving.store.keys import make_key, revoke_key
from serving.workspace import Workspace
from tests.serving.api.calls import SUBSCRIBED, Row, calling, one_customer, problem
from tests.serving.api.conftest import Keyed

NOW = datetime(2025, 6, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(keyed: Keyed) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=keyed.base_url, timeout=60, trust_env=False) as client:
        yield client


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", **more}


def cloud_event(event_id: str, subject: str, **beside: object) -> Row:
    said = {"specversion": "1.0", "id": event_id, "source": "/crm", "subject": subject}
    return said | {"type": "keepworth.support", "time": "2023-06-01T00:00:00Z"} | beside


def post_event(server: httpx.Client, token: str, event: Row) -> httpx.Response:
    headers = bearer(token, **{"content-type": STRUCTURED})
    return server.post("/v1/events", content=json.dumps(event), headers=headers)


def test_api1_broken_object_level_authorisation(
    server: httpx.Client, keyed: Keyed, active_ids: list[str]
) -> None:
    """A key that may not read customers gets at none, however it names one; nor erases one."""
    victim = active_ids[11]
    path = f"/v1/customers/{victim}"
    ways = [path, f"/v1/customers/%{ord(victim[0]):02x}{victim[1:]}", f"/v1%2Fcustomers/{victim}"]
    for way in ways:
        for name in ("ingest", "admin", "campaigns"):
            problem(server.get(way, headers=bearer(keyed.tokens[name])), 403)
    for name in ("score", "ingest"):
        problem(server.delete(path, headers=bearer(keyed.tokens[name])), 403)
        for override in ("x-http-method-override", "x-method-override", "x-http-method"):
            headers = bearer(keyed.tokens[name], **{override: "DELETE"})
            server.get(path, headers=headers)
            server.post("/v1/score", headers=headers, json={"customer_ids": [victim]})
    answer = server.get(path, headers=bearer(keyed.tokens["score"]))
    assert answer.json()["customer_id"] == victim
    asked = {"customer_ids": [victim]}
    scored = server.post("/v1/score", headers=bearer(keyed.tokens["score"]), json=asked).json()
    assert [row["customer_id"] for row in scored["scores"]] == [victim]


def test_api2_broken_authentication(server: httpx.Client, keyed: Keyed) -> None:
    """What is almost a token opens nothing, nor does one that was revoked, or sent elsewhere."""
    token = keyed.tokens["score"]
    made, revoked = make_key(keyed.workspace.store, "gone", ["score"], NOW)
    revoke_key(keyed.workspace.store, made.key_id, NOW)
    prefix, key_id, secret = token.split("_", 2)
    _, other_id, other_secret = keyed.tokens["admin"].split("_", 2)
    forged = [
        *(f"{prefix}_{key_id}_", f"{prefix}_{key_id}_{secret[:-1]}", token + "x", token.upper()),
        *(f"{prefix}_{key_id}_{other_secret}", f"{prefix}_{other_id}_{secret}"),
        *(f"{prefix}_%_{secret}", f"{prefix}_{key_id}' OR '1'='1_{secret}", revoked),
    ]
    for one in forged:
        problem(server.get("/v1/model", headers=bearer(one)), 401)
    problem(server.get("/v1/model", params={"access_token": token, "key": token}), 401)
    problem(server.get("/v1/model", headers={"x-api-key": token}), 401)
    problem(server.get("/v1/model", cookies={"authorization": f"Bearer {token}"}), 401)
    two = [("authorization", "Bearer nonsense"), ("authorization", f"Bearer {token}")]
    problem(server.get("/v1/model", headers=two), 401)
    assert server.get("/v1/model", headers=bearer(token)).status_code == 200
    kept = b"".join(file.read_bytes() for file in keyed.workspace.state.glob("live.db*"))
    assert key_id.encode() in kept
    assert secret.encode() not in kept


def test_api3_broken_object_property_level_authorisation(
    server: httpx.Client, keyed: Keyed
) -> None:
    """Nobody sets what is ours to say: results, receipt times, scopes; a field too many is 422."""
    score, ingest = bearer(keyed.tokens["score"]), keyed.tokens["ingest"]
    for field in ("clv", "segment", "status", "model_version", "consent"):
        refused = server.post("/v1/score", headers=score, json=one_customer(**{field: "mine"}))
        assert field in problem(refused, 422)["errors"][0]["key"]
    backdated = [
        cloud_event("owasp-3a", "mallory", recorded_at="2020-01-01T00:00:00Z"),
        cloud_event("owasp-3b", "mallory", data={"recorded_at": "2020-01-01T00:00:00Z"}),
        cloud_event("owasp-3c", "mallory", data={"batch_id": "drain-1"}),
        cloud_event("owasp-3d", "mallory", scopes=["admin"]),
    ]
    for event in backdated:
        problem(post_event(server, ingest, event), 422)
    missing = server.get("/v1/customers/mallory", headers=score)
    assert problem(missing, 404)["type"] == "/docs#unknown-customers"


def test_api4_unrestricted_resource_consumption(server: httpx.Client, keyed: Keyed) -> None:
    """Each thing that costs is bounded, and refused beyond it rather than cut short."""
    score = bearer(keyed.tokens["score"])
    too_much: list[tuple[Row, int]] = [
        ({"customer_ids": [f"c{number}" for number in range(MOST_CUSTOMERS + 1)]}, 422),
        (one_customer() | {"horizon_months": LONGEST_HORIZON + 1}, 422),
        (
            {
                "customers": [
                    {"customer_id": f"n{number}", "events": [SUBSCRIBED]}
                    for number in range(DEFAULT_LIMITS.explained_customers + 1)
                ],
                "explain": True,
            },
            422,
        ),
        (one_customer(attributes={"region": "x" * DEFAULT_LIMITS.body_bytes}), 413),
    ]
    for body, status in too_much:
        problem(server.post("/v1/score", headers=score, json=body), status)
    deep = b"[" * 1_000_000
    typed = score | {"content-type": "application/json"}
    problem(server.post("/v1/score", headers=typed, content=deep), 400)
    zipped = typed | {"content-encoding": "gzip"}
    problem(server.post("/v1/score", headers=zipped, content=b"\x1f\x8b"), 415)
    long = {"x-long": "a" * DEFAULT_LIMITS.head_bytes}
    problem(server.get("/livez", headers=long), 431)
    assert server.get("/readyz").status_code == 200


def test_api5_broken_function_level_authorisation(server: httpx.Client, keyed: Keyed) -> None:
    """What an administrator may do, no other key may, by any method or spelling of the route."""
    for name in ("score", "ingest", "campaigns"):
        key = bearer(keyed.tokens[name])
        for method in ("GET", "HEAD"):
            assert server.request(method, "/metrics", headers=key).status_code == 403
        problem(server.delete("/v1/customers/anybody", headers=key), 403)
        for spelling in ("/METRICS", "/metrics/", "/metrics;x", "/metrics%00", "/v1/../metrics/"):
            problem(server.get(spelling, headers=key), 404)
    for name in ("score", "admin", "campaigns"):
        answer = post_event(server, keyed.tokens[name], cloud_event("owasp-5", "mallory"))
        problem(answer, 403)
    assert server.get("/metrics", headers=bearer(keyed.tokens["admin"])).status_code == 200


def test_api6_unrestricted_access_to_sensitive_business_flows(
    server: httpx.Client, keyed: Keyed
) -> None:
    """A key that reads the customers one by one comes to its limit, over all workers together."""
    _, token = make_key(keyed.workspace.store, "scraper", ["score"], NOW, 40)
    left = 60 - time.time() % 60
    if left < 15:
        time.sleep(left)
    answers = [
        # A connection each, so that both workers are asked.
        httpx.get(
            f"{keyed.base_url}/v1/customers/c{number}", headers=bearer(token), trust_env=False
        )
        for number in range(60)
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(404) == 40
    assert statuses.count(429) == 20
    assert all("retry-after" in one.headers for one in answers if one.status_code == 429)


def test_api7_server_side_request_forgery(server: httpx.Client, keyed: Keyed) -> None:
    """Whatever of a call looks like an address, the service asks nobody."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(1.5)
        bait = f"http://127.0.0.1:{listening.getsockname()[1]}/bait"
        event = cloud_event("owasp-7", "mallory", source=bait, dataschema=bait)
        assert post_event(server, keyed.tokens["ingest"], event).status_code == 200
        forwarded = {"x-forwarded-host": bait, "forwarded": f"host={bait}", "referer": bait}
        headers = bearer(keyed.tokens["score"], origin=bait, **forwarded)
        server.get("/", headers=headers)
        channel = one_customer(acquisition_channel=bait, referred_by=bait)
        assert server.post("/v1/score", headers=headers, json=channel).status_code == 200
        server.get(f"/v1/customers/{bait}", headers=headers)
        with pytest.raises(TimeoutError):
            listening.accept()


def test_api8_security_misconfiguration(
    server: httpx.Client, keyed: Keyed, operator_workspace: Workspace
) -> None:
    """Nothing is open that need not be, and no answer shows the inside or may be kept."""
    for path in ("/", "/docs", "/openapi.json", "/metrics", "/v1/model"):
        problem(server.get(path), 401)
    score = bearer(keyed.tokens["score"], origin="https://evil.example")
    answers = [server.get(path, headers=score) for path in ("/", "/v1/model", "/v1/nothing")]
    answers.append(server.options("/v1/score", headers=score))
    answers.append(server.post("/v1/score", headers=score, content=b"{"))
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert "Traceback" not in answer.text
        assert "site-packages" not in answer.text
    assert "default-src 'none'" in answers[0].headers["content-security-policy"]
    problem(server.request("TRACE", "/v1/model", headers=score), 405)
    with calling(operator_workspace) as keyless:
        rebound = {"host": "evil.example:3000", "origin": "http://evil.example:3000"}
        problem(keyless.request("GET", "/v1/model", headers=rebound), 403)
    with pytest.raises(ConfigurationError, match="no keys yet"):
        serve(operator_workspace, "0.0.0.0", 3000, 1)  # noqa: S104 -- it must be refused


def test_api9_improper_inventory_management(server: httpx.Client, keyed: Keyed) -> None:
    """What is served is what is described, and nothing older, newer or of the framework."""
    application = create_application(lambda: Current(keyed.workspace))
    served = {
        (method, route.path.replace(":path", ""))
        for route in application.routes
        for method in route.methods - {"HEAD"}
    }
    assert served == {(one.method.upper(), one.path) for one in OPERATIONS}
    key = bearer(keyed.tokens["all"])
    undescribed = [
        *("/v0/score", "/v2/score", "/score", "/api/v1/score", "/v1/keys", "/v1/audit", "/admin"),
        *("/docs.json", "/schema.json", "/swagger", "/redoc", "/healthz", "/debug", "/static"),
        *("/.env", "/.git/config", "/state/live.db", "/static_content/../../../etc/passwd"),
    ]
    for path in undescribed:
        problem(server.get(path, headers=key), 404)


def test_api10_unsafe_consumption_of_apis(server: httpx.Client, keyed: Keyed) -> None:
    """What others send stays what it is: text, in SQL, in JSON, in the log and after a drain."""
    hostile = "x'); DROP TABLE live_event; --"
    label = "<script>alert(1)</script>\u2028=cmd|' /C calc'!A0"
    event = cloud_event("owasp-10'--", hostile, data={"label": label})
    ingest = keyed.tokens["ingest"]
    assert post_event(server, ingest, event).json()["accepted"] == 1
    with writing(keyed.workspace.state):
        drained = drain(keyed.workspace.store, datetime.now(UTC))
    assert drained.new >= 1
    assert drained.quarantined == 0
    assert post_event(server, ingest, event).json()["duplicate"] == 1
    found = keyed.workspace.log().query(
        "SELECT label FROM read_parquet($files) WHERE customer_id = $who",
        {"files": [str(path) for path in keyed.workspace.log().files("events")], "who": hostile},
    )
    assert found.column("label").to_pylist() == [label]
    shown = server.request(
        "GET",
        "/v1/customers/" + "".join(f"%{byte:02X}" for byte in hostile.encode()),
        headers=bearer(keyed.tokens["score"]),
    )
    assert shown.headers["content-type"] == "application/json"
    assert shown.json()["customer_id"] == hostile
    assert shown.json()["history"]["events"] == 1

"""The OpenAPI document: the routes, from our own types. Committed as docs/openapi.json."""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from serving.api.access import OPEN, SCOPE_OF_OPERATION
from serving.api.answers import (
    CampaignAnswer,
    CampaignsAnswer,
    CustomerAnswer,
    ErasureReceipt,
    EventsAnswer,
    Health,
    ModelAnswer,
    Readiness,
    ScoreAnswer,
    TriggersAnswer,
    WhatIfAnswer,
)
from serving.api.cloud_events import BATCH, STRUCTURED, CloudEvent
from serving.api.portfolio_answer import PortfolioAnswer
from serving.api.problems import (
    BUSY,
    CONTRADICTION,
    FORBIDDEN,
    GONE,
    MALFORMED,
    MEDIA_TYPE,
    NOT_READY,
    NOTHING_SCORED,
    NOTHING_VISIBLE,
    OUR_FAULT,
    STORE_AWAY,
    TOO_LARGE,
    TOO_MANY_CALLS,
    TOO_SLOW,
    UNAUTHENTICATED,
    UNFIT,
    UNKNOWN_CAMPAIGN,
    UNKNOWN_CUSTOMERS,
    WORKSPACE_BUSY,
    WRONG_CONTENT_TYPE,
    ProblemDetails,
    ProblemKind,
)
from serving.api.requests import WITHOUT_NUL, ScoreRequest, WhatIfRequest
from serving.api.triggers_route import FEW, LARGEST_NUMBER, MOST
from serving.limits import DEFAULT_LIMITS, MOST_CUSTOMERS, Limits
from serving.version import VERSION

_ASKING = (
    *(MALFORMED, UNKNOWN_CUSTOMERS, TOO_SLOW, TOO_LARGE, WRONG_CONTENT_TYPE),
    *(UNFIT, NOTHING_VISIBLE, OUR_FAULT, BUSY, STORE_AWAY, NOT_READY),
)
_RECORDING = (
    *(MALFORMED, TOO_SLOW, CONTRADICTION, GONE, TOO_LARGE, WRONG_CONTENT_TYPE, UNFIT),
    *(OUR_FAULT, BUSY, STORE_AWAY, NOT_READY),
)
_BARRED = (UNAUTHENTICATED, FORBIDDEN, TOO_MANY_CALLS)
_SECURITY = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of `keepworth keys make`; wanted once one was made, or from "
        "anywhere but this machine. Scopes: "
        + ", ".join(f"{scope} for {' '.join(what)}" for what, scope in SCOPE_OF_OPERATION.items())
        + "; any for the rest.",
    }
}
_NAME = {"type": "string", "minLength": 1, "pattern": WITHOUT_NUL}
_SCHEMAS = "#/components/schemas/{name}"
_EXACTLY_ONE = {
    "ScoreRequest": ("customer_ids", "customers"),
    "WhatIfRequest": ("customer_id", "customer"),
}


@dataclass(frozen=True)
class Operation:
    """Describe a route: what it takes and gives, and what can go wrong."""

    path: str
    method: str
    summary: str
    description: str
    answer: type[msgspec.Struct] | str
    problems: tuple[ProblemKind, ...] = (OUR_FAULT,)
    request: type[msgspec.Struct] | None = None
    request_type: str = "application/json"
    batch_type: str | None = None
    example: dict[str, Any] | None = None
    query: tuple[tuple[str, dict[str, Any]], ...] = ()


OPERATIONS = (
    Operation(
        "/v1/score",
        "post",
        "Score customers",
        "By id, or with events inline. Stands at `as_of`: by id at `observed_until`, or just after "
        "the last event posted, whichever is later; inline just after the last event given. "
        "All customers are scored, or none.",
        ScoreAnswer,
        _ASKING,
        ScoreRequest,
        example={"customer_ids": ["C000004"], "as_of": "2025-01-01", "horizon_months": 24},
    ),
    Operation(
        "/v1/what-if",
        "post",
        "Score a customer before and after hypothetical events",
        "A forecast given the events, not the effect of causing them.",
        WhatIfAnswer,
        _ASKING,
        WhatIfRequest,
        example={
            "customer_id": "C000004",
            "events": [{"kind": "plan_change", "amount": 9.99, "label": "S"}],
        },
    ),
    Operation(
        "/v1/events",
        "post",
        "Record what happened to customers",
        "A CloudEvent 1.0, or a batch of them, durable once it is acknowledged. The same id with "
        "the same content counts once; with other content it is a conflict, and nothing changes. "
        "A batch is answered event by event: one at fault keeps no other out.",
        EventsAnswer,
        _RECORDING,
        CloudEvent,
        request_type=STRUCTURED,
        batch_type=BATCH,
        example={
            "specversion": "1.0",
            "id": "crm-20250101-000017",
            "source": "/crm",
            "type": "keepworth.plan_change",
            "subject": "C000004",
            "time": "2025-01-01T09:30:00Z",
            "data": {"amount": 9.99, "label": "S"},
        },
    ),
    Operation(
        "/v1/customers/{customer_id}",
        "get",
        "A customer's past in brief, and the score of now",
        "Counts and dates of what happened, open subscriptions, the row of the customers table, "
        "and the score that /v1/score gives for the id.",
        CustomerAnswer,
        (UNKNOWN_CUSTOMERS, GONE, UNFIT, OUR_FAULT, STORE_AWAY, NOT_READY),
    ),
    Operation(
        "/v1/customers/{customer_id}",
        "delete",
        "Erase a customer",
        "From the log, its quarantine, the live store, scores, backtests, snapshots and reports; "
        "the id stays out of what is ingested or posted later, also where nothing was found. "
        "Again, and there is nothing more to do. What others did stays, without the name.",
        ErasureReceipt,
        (UNFIT, OUR_FAULT, STORE_AWAY, WORKSPACE_BUSY, NOT_READY),
    ),
    Operation(
        "/v1/portfolio",
        "get",
        "What all customers are worth",
        "Customer equity with its interval, by segment and by cohort, and what changed, as "
        "`keepworth score` last valued it: the newest `as_of` counts.",
        PortfolioAnswer,
        (NOTHING_SCORED, OUR_FAULT, NOT_READY),
    ),
    Operation(
        "/v1/triggers",
        "get",
        "The feed of triggers",
        "Decisions that a campaign should contact a customer, in the order in which they became "
        "visible, after a number that is the cursor. Ask again with `next_after`; a trigger is "
        "never missed, and its `id` is that of the webhook.",
        TriggersAnswer,
        (UNFIT, OUR_FAULT, BUSY, STORE_AWAY, NOT_READY),
        query=(
            ("after", {"type": "integer", "default": 0, "minimum": 0, "maximum": LARGEST_NUMBER}),
            ("limit", {"type": "integer", "default": FEW, "minimum": 1, "maximum": MOST}),
        ),
    ),
    Operation(
        "/v1/campaigns",
        "get",
        "All campaigns",
        "Offers, budgets and control groups, and what was decided so far.",
        CampaignsAnswer,
        (OUR_FAULT, BUSY, STORE_AWAY, NOT_READY),
    ),
    Operation(
        "/v1/campaigns/{name}",
        "get",
        "One campaign",
        "Its rules as configured, how it stands, and the effect that was measured last.",
        CampaignAnswer,
        (UNKNOWN_CAMPAIGN, OUR_FAULT, BUSY, STORE_AWAY, NOT_READY),
    ),
    Operation(
        "/v1/model",
        "get",
        "The version that serves",
        "What it was trained on, its newest backtest, degraded or not.",
        ModelAnswer,
        (OUR_FAULT, BUSY, NOT_READY),
    ),
    Operation("/livez", "get", "Whether the process lives", "", Health),
    Operation(
        "/readyz", "get", "Whether it can answer", "", Readiness, problems=(OUR_FAULT, NOT_READY)
    ),
    Operation("/metrics", "get", "Counters and gauges for Prometheus", "", "text/plain"),
    Operation("/openapi.json", "get", "This document", "", "application/json"),
    Operation("/docs", "get", "This document for people", "", "text/html"),
    Operation("/", "get", "Start page", "", "text/html"),
)


def openapi_document(limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """Return the document (OpenAPI 3.1)."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation, limits)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "keepworth",
            "version": VERSION,
            "summary": "What customers are worth, how likely they leave, and what would change it.",
            "description": f"A call takes at most {limits.body_bytes:,} bytes, "
            f"{MOST_CUSTOMERS:,} customers, {limits.events:,} inline events and "
            f"{limits.batch_events:,} posted events.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _SECURITY},
    }


def openapi_json(limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the document as it is served; with the default limits it is committed."""
    return msgspec.json.format(msgspec.json.encode(openapi_document(limits)), indent=1) + b"\n"


def _described(operation: Operation, limits: Limits) -> dict[str, Any]:
    is_open = operation.path in OPEN
    responses = {"200": {"description": "The answer.", "content": _content(operation.answer)}}
    for kind in operation.problems if is_open else (*_BARRED, *operation.problems):
        entry = responses.setdefault(
            str(kind.status), {"description": "", "content": _content(ProblemDetails, MEDIA_TYPE)}
        )
        entry["description"] = f"{entry['description']} {kind.title}.".strip()
    words = operation.path.removeprefix("/v1").replace("/{customer_id}", "").strip("/")
    words = words.replace("s/{name}", "")
    name = words.replace("-", "_").replace(".json", "")
    described: dict[str, Any] = {
        "operationId": f"{operation.method}_{name or 'start'}",
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        "security": [] if is_open else [{"key": []}, {}],
        "responses": responses,
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _NAME}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    parameters += [{"name": name, "in": "query", "schema": of} for name, of in operation.query]
    if parameters:
        described["parameters"] = parameters
    if operation.request is not None:
        content = _content(operation.request, operation.request_type)
        content[operation.request_type]["example"] = operation.example
        if operation.batch_type:
            one = content[operation.request_type]["schema"]
            many = {"type": "array", "items": one, "maxItems": limits.batch_events}
            content[operation.batch_type] = {"schema": many}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _content(of: type[msgspec.Struct] | str, media_type: str = "application/json") -> Any:
    if isinstance(of, str):
        return {of: {"schema": {"type": "object" if of == "application/json" else "string"}}}
    return {media_type: {"schema": {"$ref": _SCHEMAS.format(name=of.__name__)}}}


def _schemas() -> dict[str, Any]:
    types = [of for op in OPERATIONS for of in (op.request, op.answer) if isinstance(of, type)]
    _, schemas = msgspec.json.schema_components([*types, ProblemDetails], ref_template=_SCHEMAS)
    for name, (one, other) in _EXACTLY_ONE.items():
        schemas[name]["oneOf"] = [{"required": [one]}, {"required": [other]}]
    return schemas

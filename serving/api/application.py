"""The ASGI application: every route of the service, and one shape for all that goes wrong."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from threading import Event, Thread
from typing import cast

import anyio
import duckdb
import msgspec
from msgspec import UNSET
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from features.ingest.lock import WorkspaceBusyError
from features.ingest.salting import salted
from features.mistakes import Mistake, MistakenError
from serving.api.access import CALLER, LOOPBACK, AccessMiddleware, Gate, route_of
from serving.api.answers import Health, Readiness
from serving.api.body import JSON, HeldBytes, apart, json_body, media_type_of
from serving.api.call import CallMiddleware
from serving.api.campaigns_route import answer_campaign, answer_campaigns
from serving.api.caused_triggers import triggers_caused
from serving.api.cloud_events import BATCH, STRUCTURED, Reading
from serving.api.current import Current
from serving.api.customer_route import answer_customer
from serving.api.decoding import shown
from serving.api.deliveries import delivering
from serving.api.erasure_route import CUSTOMER_PATH, answer_erasure
from serving.api.events_route import answer_batch, answer_event
from serving.api.faults import FaultMiddleware
from serving.api.model_route import answer_model
from serving.api.openapi import openapi_json
from serving.api.pages import docs_page, start_page
from serving.api.portfolio_route import answer_portfolio
from serving.api.problems import (
    BUSY,
    NOT_READY,
    STORE_AWAY,
    UNFIT,
    UNKNOWN_ROUTE,
    WRONG_METHOD,
    Problem,
    problem_response,
)
from serving.api.reads import customers_of, record_read
from serving.api.requests import ScoreRequest
from serving.api.score_route import answer_by_id, answer_inline, ids_of, score_request
from serving.api.traffic import CONTENT_TYPE, Traffic, TrafficMiddleware
from serving.api.triggers_route import answer_triggers
from serving.api.turns import Turns, TurnsTakenError
from serving.api.watched_metrics import watched_exposition
from serving.api.what_if_route import answer_what_if
from serving.store.database import STORE_AWAY_ERRORS
from serving.store.logged_events import CurrentLog, LoggedEvents, despite_rewriting
from serving.store.publishing import Publisher
from serving.store.read_recording import NotRecordedError, ReadRecorder

CAMPAIGN_PATH = "/v1/campaigns/{name:path}"

logger = logging.getLogger("keepworth.api")
Endpoint = Callable[[Request], Awaitable[Response]]
Reader = Callable[[Request, bytes], Awaitable[Response]]
_LOOK_SECONDS = 1.0


def create_application(open_current: Callable[[], Current]) -> Starlette:
    """Return the application; `open_current` is called once, when it starts up.

    Before that, and after it has shut down, everything but the pages and /livez answers 503.
    """
    routes = [
        Route("/v1/score", _reading(_score), methods=["POST"]),
        Route("/v1/what-if", _reading(_what_if), methods=["POST"]),
        Route("/v1/events", _reading(_events, (STRUCTURED, BATCH)), methods=["POST"]),
        Route(CUSTOMER_PATH, _customer, methods=["GET", "DELETE"]),
        Route("/v1/portfolio", _portfolio),
        Route("/v1/triggers", _triggers),
        Route("/v1/campaigns", _campaigns),
        Route(CAMPAIGN_PATH, _campaign),
        Route("/v1/model", _model),
        Route("/livez", _livez),
        Route("/readyz", _readyz),
        Route("/metrics", _metrics),
        Route("/openapi.json", _openapi),
        Route("/docs", docs_page),
        Route("/", start_page),
    ]
    traffic = Traffic(frozenset(route_of(route.path) for route in routes))
    application = Starlette(
        routes=routes,
        middleware=[
            Middleware(CallMiddleware),
            Middleware(TrafficMiddleware, traffic=traffic),
            Middleware(FaultMiddleware),
            Middleware(AccessMiddleware),
        ],
        exception_handlers={
            Problem: _on_problem,
            HTTPException: _on_http_exception,
            **dict.fromkeys(STORE_AWAY_ERRORS, _on_store_away),
            TurnsTakenError: _on_turns_taken,
            NotRecordedError: _on_not_recorded,
        },
        lifespan=partial(_lifespan, open_current=open_current),
    )
    application.router.redirect_slashes = False
    application.state.traffic = traffic
    return application


@asynccontextmanager
async def _lifespan(
    application: Starlette, open_current: Callable[[], Current]
) -> AsyncIterator[None]:
    current = open_current()
    store, log = current.workspace.store, current.log
    # Before any call: whoever salts holds the workspace. Where another does, the record waits.
    with suppress(WorkspaceBusyError, OSError):
        salted(store.state)
    publisher = Publisher(store, log, current.limits.waiting_events)
    reads = ReadRecorder(store, lambda: log.erased if log.erased.salt else salted(store.state))
    stopping = Event()
    preparing = Thread(target=_prepare, args=(log, stopping), name="log copies", daemon=True)
    preparing.start()
    application.state.gate = Gate(store)
    application.state.held = HeldBytes(current.limits.held_bytes)
    turns = Turns(current.limits.waiting_calls, current.limits.waiting_seconds)
    application.state.turns, application.state.publisher = turns, publisher
    application.state.reads, application.state.current = reads, current
    watching = asyncio.create_task(
        application.state.traffic.workers.watch(current, turns, publisher, reads), name="gauges"
    )
    async with delivering(current):
        yield
    watching.cancel()
    application.state.current = None
    await anyio.to_thread.run_sync(turns.close)
    await anyio.to_thread.run_sync(publisher.close)
    await anyio.to_thread.run_sync(reads.close)
    # A process that ends while a thread of it is inside Arrow or DuckDB is aborted.
    stopping.set()
    await anyio.to_thread.run_sync(preparing.join)


def _prepare(log: CurrentLog, stopping: Event) -> None:
    """Make the copies of the log before a call wants them, and anew when it was written.

    What fails here, fails in that call.
    """
    prepared: LoggedEvents | None = None
    while not stopping.is_set():
        try:
            if log.now() is not prepared:
                prepared = log.now()
                log.prepare(lambda: not stopping.is_set())
        except (OSError, MistakenError, duckdb.Error) as error:
            logger.warning("The log could not be prepared: %s", error)
        stopping.wait(_LOOK_SECONDS)


def _reading(answer: Reader, media_types: Sequence[str] = (JSON,)) -> Endpoint:
    """Return the endpoint that reads a body, which counts as held until it is answered."""

    async def endpoint(request: Request) -> Response:
        limits, held = _current(request).limits, request.app.state.held
        try:
            with held.counting() as take:
                return await answer(request, await json_body(request, limits, media_types, take))
        except ClientDisconnect:
            return Response(status_code=400)

    return endpoint


async def _what_if(request: Request, body: bytes) -> Response:
    return await _in_thread(request, partial(answer_what_if, _current(request), body))


async def _score(request: Request, body: bytes) -> Response:
    """Score by id together with the calls on equal terms that wait, all others in a turn alone."""
    current, turns = _current(request), _turns(request)
    most = current.limits.explained_customers
    asked = await apart(len(body), partial(score_request, body, most))
    if asked.customer_ids is UNSET:
        return await _in_thread(request, partial(answer_inline, current, asked))
    terms = (asked.as_of, asked.horizon_months, asked.annual_discount_rate)
    kind = object() if asked.explain else terms
    ids, answer = ids_of(asked), partial(_scored, current)
    content = await turns.together(kind, asked, len(ids), answer)
    record_read(request, ids)
    return _json(content)


def _scored(current: Current, requests: Sequence[ScoreRequest]) -> list[bytes | Exception]:
    return [
        answer if isinstance(answer, Problem) else msgspec.json.encode(answer)
        for answer in despite_rewriting(lambda: answer_by_id(current, requests))
    ]


async def _events(request: Request, body: bytes) -> Response:
    current, publisher = _current(request), request.app.state.publisher
    answering = answer_batch if media_type_of(request) == BATCH else answer_event
    reading = Reading(current.clock(), current.event_checks, current.limits)
    answer, events = await answering(publisher, body, reading)
    heard = current.listening.heard(events)
    if heard:
        answer.triggers = await triggers_caused(_turns(request), current, heard)
        record_read(request, list({each.customer_id for each in answer.triggers or []}))
    request.app.state.traffic.count_events(answer)
    return Response(msgspec.json.encode(answer), media_type="application/json")


async def _customer(request: Request) -> Response:
    current, customer_id = _current(request), request.path_params["customer_id"]
    if "\0" in customer_id:
        mistake = Mistake("customer_id", shown(customer_id), "expected text without NUL bytes")
        raise Problem(UNFIT, f"{mistake}.", [mistake])
    if request.method != "DELETE":
        return await _in_thread(request, partial(answer_customer, current, customer_id))
    caller = request.scope.get(CALLER, LOOPBACK)
    receipt = await anyio.to_thread.run_sync(answer_erasure, current, customer_id, caller)
    return Response(msgspec.json.encode(receipt), media_type="application/json")


async def _portfolio(request: Request) -> Response:
    return await _in_thread(request, partial(answer_portfolio, _current(request)))


async def _triggers(request: Request) -> Response:
    asked = request.query_params.multi_items()
    return await _in_thread(request, partial(answer_triggers, _current(request), asked))


async def _campaigns(request: Request) -> Response:
    return await _in_thread(request, partial(answer_campaigns, _current(request)))


async def _campaign(request: Request) -> Response:
    name = request.path_params["name"]
    return await _in_thread(request, partial(answer_campaign, _current(request), name))


async def _model(request: Request) -> Response:
    return await _in_thread(request, partial(answer_model, _current(request)))


async def _in_thread(request: Request, answer: Callable[[], msgspec.Struct]) -> Response:
    """Answer off the event loop, in a turn alone; who is told of whom is recorded first."""
    told_of: list[str] = []

    def answered() -> bytes:
        said = despite_rewriting(answer)
        told_of.extend(customers_of(said))
        return msgspec.json.encode(said)

    content = await _turns(request).alone(answered)
    record_read(request, told_of)
    return _json(content)


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


def _turns(request: Request) -> Turns:
    return cast("Turns", request.app.state.turns)


async def _livez(request: Request) -> Response:  # noqa: ARG001 -- a route's signature
    return Response(msgspec.json.encode(Health("alive")), media_type="application/json")


async def _readyz(request: Request) -> Response:
    ready = Readiness("ready", degraded=_current(request).is_degraded)
    return Response(msgspec.json.encode(ready), media_type="application/json")


async def _metrics(request: Request) -> Response:
    current: Current | None = getattr(request.app.state, "current", None)
    exposition = await anyio.to_thread.run_sync(request.app.state.traffic.exposition, current)
    if current is not None:
        store = current.workspace.store
        exposition += await anyio.to_thread.run_sync(watched_exposition, store)
    return Response(exposition, headers={"Content-Type": CONTENT_TYPE})


async def _openapi(request: Request) -> Response:
    content = openapi_json(_current(request).limits)
    return Response(content, media_type="application/json")


def _current(request: Request) -> Current:
    current = getattr(request.app.state, "current", None)
    if current is None:
        detail = "The model is still being loaded; try again in a few seconds."
        raise Problem(NOT_READY, detail, headers={"Retry-After": "2"})
    return current


async def _on_problem(request: Request, error: Exception) -> Response:
    return problem_response(cast("Problem", error), request.url.path)


async def _on_store_away(request: Request, error: Exception) -> Response:
    logger.error("The live store failed: %s", error)
    detail = "What was posted cannot be looked up now; try again in a few seconds."
    problem = Problem(STORE_AWAY, detail, headers={"Retry-After": "2"})
    return problem_response(problem, request.url.path)


async def _on_turns_taken(request: Request, error: Exception) -> Response:
    problem = Problem(BUSY, f"{error} Try again in a second.", headers={"Retry-After": "1"})
    return problem_response(problem, request.url.path)


async def _on_not_recorded(request: Request, error: Exception) -> Response:
    detail = f"Who is told of customers is recorded first, and {error} Try again in a few seconds."
    problem = Problem(STORE_AWAY, detail, headers={"Retry-After": "2"})
    return problem_response(problem, request.url.path)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """Say in our shape what the router found: no such route, or not with this method."""
    headers = dict(getattr(error, "headers", None) or {})
    if getattr(error, "status_code", None) == WRONG_METHOD.status:
        detail = f"{request.url.path} does not take {request.method[:20]}; see Allow."
        return problem_response(Problem(WRONG_METHOD, detail, headers=headers), request.url.path)
    detail = f"There is no {request.url.path[:200]}; /docs lists the routes."
    return problem_response(Problem(UNKNOWN_ROUTE, detail), request.url.path[:200])

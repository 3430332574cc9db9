"""Who may call which route: by the scopes of a key, so many times a minute."""

import ipaddress
import time
from dataclasses import dataclass
from threading import Lock

import anyio.to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.api.problems import (
    FORBIDDEN,
    STORE_AWAY,
    TOO_MANY_CALLS,
    UNAUTHENTICATED,
    Problem,
    problem_response,
)
from serving.store.database import STORE_AWAY_ERRORS, LiveStore
from serving.store.keys import Key, find_key, has_keys, take_calls

OPEN = frozenset({"/livez", "/readyz"})
SCOPE_OF_OPERATION = {
    ("POST", "/v1/score"): "score",
    ("POST", "/v1/what-if"): "score",
    ("POST", "/v1/events"): "ingest",
    ("GET", "/v1/customers/{customer_id}"): "score",
    ("DELETE", "/v1/customers/{customer_id}"): "admin",
    ("GET", "/v1/portfolio"): "score",
    ("GET", "/v1/triggers"): "campaigns",
    ("GET", "/v1/campaigns"): "campaigns",
    ("GET", "/v1/campaigns/{name}"): "campaigns",
    ("GET", "/v1/model"): "score",
    ("GET", "/metrics"): "admin",
}
"""All other routes, and methods that a route does not take, want a key of any scope."""
CALLER = "keepworth.caller"
"""Where the scope of a call says whose it is: the id of a key, or LOOPBACK."""
LOOPBACK = "this machine, without a key"
_NAMED = {"/v1/customers/": "{customer_id}", "/v1/campaigns/": "{name}"}
REMEMBERED_SECONDS = 1.0
"""A key that is revoked opens nothing after so long."""

_MOST_REMEMBERED = 10_000
_MOST_SHOWN = 200
_PORTIONS_A_MINUTE = 20
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="keepworth"'}
_HINT = "send `Authorization: Bearer` with a key of `keepworth keys make`"


@dataclass
class _Allowance:
    minute: int
    left: int


class Gate:
    """Judge callers by the keys of the live store; what was read is remembered for a second."""

    def __init__(self, store: LiveStore) -> None:
        self._store = store
        self._known: dict[str | None, tuple[float, Key | bool | None]] = {}
        self._allowances: dict[str, _Allowance] = {}
        self._taking = Lock()

    def admit(self, method: str, path: str, token: str | None, caller: str | None) -> str:
        """Let a call through and say whose it is, or not; reads the store: best in a thread.

        Raises
        ------
        Problem
            401 without a key that holds, 403 without the scope, 429 beyond the key's limit.
        """
        if token is None and not self._remembered(None) and _is_loopback(caller):
            return LOOPBACK
        key = self._remembered(token) if token else None
        if not isinstance(key, Key):
            said = "The key is not known, or was revoked" if token else "A key is wanted"
            raise Problem(UNAUTHENTICATED, f"{said}; {_HINT}.", headers=_CHALLENGE)
        wanted = scope_of(method, path)
        if wanted and wanted not in key.scopes:
            had = ", ".join(sorted(key.scopes))
            what = f"{method} {route_of(path)[:_MOST_SHOWN]}"
            detail = f"{what} wants the scope {wanted}; key {key.key_id} has {had}."
            raise Problem(FORBIDDEN, detail)
        self._take(key)
        return key.key_id

    def remembers(self, token: str | None) -> bool:
        """Return whether a call with this token can be judged without asking the store."""
        at, found = self._known.get(token, (-REMEMBERED_SECONDS, None))
        is_fresh = time.monotonic() - at < REMEMBERED_SECONDS / 2
        return is_fresh and not (isinstance(found, Key) and found.calls_per_minute)

    def _remembered(self, token: str | None) -> Key | bool | None:
        """Return the key of a token; without a token, whether there are any keys."""
        now = time.monotonic()
        at, found = self._known.get(token, (-REMEMBERED_SECONDS, None))
        if now - at >= REMEMBERED_SECONDS:
            found = has_keys(self._store) if token is None else find_key(self._store, token)
            if len(self._known) > _MOST_REMEMBERED:
                self._known.clear()
            self._known[token] = now, found
        return found

    def _take(self, key: Key) -> None:
        """Count a call; the store is asked for a portion of a minute's calls at a time."""
        if key.calls_per_minute is None:
            return
        now = time.time()
        minute = int(now // 60)
        with self._taking:
            allowance = self._allowances.get(key.key_id)
            if allowance is None or allowance.minute != minute or not allowance.left:
                portion = max(1, key.calls_per_minute // _PORTIONS_A_MINUTE)
                granted = take_calls(self._store, key, minute, portion)
                allowance = self._allowances[key.key_id] = _Allowance(minute, granted)
            if not allowance.left:
                wait = {"Retry-After": str(60 - int(now % 60))}
                detail = f"Key {key.key_id} may make {key.calls_per_minute:,} calls a minute."
                raise Problem(TOO_MANY_CALLS, detail, headers=wait)
            allowance.left -= 1


class AccessMiddleware:
    """Ask the gate before a route is reached; the routes of health are open to all."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on if it may."""
        gate: Gate | None = None
        if scope["type"] == "http" and scope["path"] not in OPEN:
            gate = getattr(scope["app"].state, "gate", None)
        problem = await _problem_of(gate, scope) if gate else None
        if problem is None:
            await self.app(scope, receive, send)
        else:
            await problem_response(problem, scope["path"][:200])(scope, receive, send)


async def _problem_of(gate: Gate, scope: Scope) -> Problem | None:
    token = _token_of(scope)
    caller = scope["client"][0] if scope.get("client") else None
    try:
        if gate.remembers(token):
            scope[CALLER] = gate.admit(scope["method"], scope["path"], token, caller)
        else:
            scope[CALLER] = await anyio.to_thread.run_sync(
                gate.admit, scope["method"], scope["path"], token, caller
            )
    except Problem as problem:
        return problem
    except STORE_AWAY_ERRORS:
        detail = "Keys cannot be looked up now; try again in a few seconds."
        return Problem(STORE_AWAY, detail, headers={"Retry-After": "2"})
    return None


def route_of(path: str) -> str:
    """Return the route of a path, as the OpenAPI document names it."""
    return next((begin + last for begin, last in _NAMED.items() if path.startswith(begin)), path)


def scope_of(method: str, path: str) -> str | None:
    """Return the scope that a call wants of its key, None where any will do."""
    # What may not be read may not be asked about either.
    return SCOPE_OF_OPERATION.get(("GET" if method == "HEAD" else method, route_of(path)))


def _token_of(scope: Scope) -> str | None:
    """Return what stands after Bearer; anything else that claims to authorise is no key."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if scheme.lower() == "bearer" else "-"
    return None


def _is_loopback(caller: str | None) -> bool:
    try:
        return caller is not None and ipaddress.ip_address(caller).is_loopback
    except ValueError:
        return False

"""Who may call which route: by the scopes of a key, so many times a minute."""

import ipaddress
import time
from dataclasses import dataclass
from threading import Lock
from urllib.parse import urlsplit

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
from serving.store.keys import Key, find_key, has_keys, is_token, take_calls

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

_MOST_SHOWN = 200
_PORTIONS_A_MINUTE = 20
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="keepworth"'}
_HINT = "send `Authorization: Bearer` with a key of `keepworth keys make`"


@dataclass
class _Allowance:
    """Hold the calls left of a portion; nobody gets more of this minute once one fell short."""

    minute: int
    left: int
    is_last: bool


@dataclass(frozen=True)
class Caller:
    """Hold what a call says of whose it is: its token, its address, and the Host it asks for."""

    token: str | None
    address: str | None
    host: str | None


class Gate:
    """Judge callers by the keys of the live store; what was read is remembered for a second."""

    def __init__(self, store: LiveStore) -> None:
        self._store = store
        # Only keys that hold: what strangers send takes no room.
        self._known: dict[str, tuple[float, Key]] = {}
        self._has_keys = (-REMEMBERED_SECONDS, False)
        self._allowances: dict[str, _Allowance] = {}
        self._taking = Lock()

    def admit(self, method: str, path: str, caller: Caller) -> str:
        """Let a call through and say whose it is, or not; reads the store: best in a thread.

        Raises
        ------
        Problem
            401 without a key that holds, 403 without the scope, 429 beyond the key's limit.
        """
        token = caller.token
        if token is None and _is_loopback(caller.address) and not self._wants_keys():
            _require_own_name(caller.host)
            return LOOPBACK
        key = self._key_of(token) if token else None
        if key is None:
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
        if token is None:
            return _is_fresh(self._has_keys[0], REMEMBERED_SECONDS / 2)
        if not is_token(token):
            return True
        found = self._known.get(token)
        if found is None or found[1].calls_per_minute:
            return False
        return _is_fresh(found[0], REMEMBERED_SECONDS / 2)

    def _wants_keys(self) -> bool:
        """Return whether any key was ever made."""
        at, found = self._has_keys
        if not _is_fresh(at):
            found = has_keys(self._store)
            self._has_keys = time.monotonic(), found
        return found

    def _key_of(self, token: str) -> Key | None:
        """Return the key that a token is of, None if it is of none that holds."""
        if not is_token(token):
            return None
        at, found = self._known.get(token, (-REMEMBERED_SECONDS, None))
        if found is not None and _is_fresh(at):
            return found
        found = find_key(self._store, token)
        if found is None:
            self._known.pop(token, None)
        else:
            self._known[token] = time.monotonic(), found
        return found

    def _take(self, key: Key) -> None:
        """Count a call; the store is asked for a portion of a minute's calls at a time."""
        if key.calls_per_minute is None:
            return
        now = time.time()
        minute = int(now // 60)
        with self._taking:
            allowance = self._allowances.get(key.key_id)
            if allowance is None or allowance.minute != minute:
                allowance = _Allowance(minute, left=0, is_last=False)
            if not allowance.left and not allowance.is_last:
                portion = max(1, key.calls_per_minute // _PORTIONS_A_MINUTE)
                allowance.left = take_calls(self._store, key, minute, portion)
                allowance.is_last = allowance.left < portion
                self._allowances[key.key_id] = allowance
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
    address = scope["client"][0] if scope.get("client") else None
    caller = Caller(_token_of(scope), address, _header_of(scope, b"host"))
    try:
        if gate.remembers(caller.token):
            scope[CALLER] = gate.admit(scope["method"], scope["path"], caller)
        else:
            scope[CALLER] = await anyio.to_thread.run_sync(
                gate.admit, scope["method"], scope["path"], caller
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
    said = _header_of(scope, b"authorization")
    if said is None:
        return None
    scheme, _, token = said.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else "-"


def _header_of(scope: Scope, wanted: bytes) -> str | None:
    """Return the first header of a name, None if there is none."""
    values = (value.decode("latin-1") for name, value in scope["headers"] if name == wanted)
    return next(values, None)


def _require_own_name(host: str | None) -> None:
    """Refuse a call to another name that leads to this machine: a web page may have made it so."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        name = ""
    if host is not None and name != "localhost" and not _is_loopback(name):
        raise Problem(
            FORBIDDEN,
            f"Host is {host[:_MOST_SHOWN]}; without keys expected 127.0.0.1, [::1] or localhost: "
            f"call one of these, or make a key and {_HINT}.",
        )


def _is_fresh(at: float, seconds: float = REMEMBERED_SECONDS) -> bool:
    return time.monotonic() - at < seconds


def _is_loopback(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

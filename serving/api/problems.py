"""Everything that can go wrong with a call, as problem details (RFC 9457).

HTTP statuses are chosen here and nowhere else. The `type` of a problem is where /docs explains it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from starlette.responses import Response

from features.mistakes import Mistake

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemKind:
    """Name a kind of problem: the anchor in /docs, its status, its title."""

    anchor: str
    status: int
    title: str


MALFORMED = ProblemKind("malformed-json", 400, "The body is not JSON")
MALFORMED_HTTP = ProblemKind("malformed-http", 400, "The request is no HTTP")
UNAUTHENTICATED = ProblemKind("unauthenticated", 401, "A key is wanted")
FORBIDDEN = ProblemKind("forbidden", 403, "The call may not be made")
UNKNOWN_ROUTE = ProblemKind("unknown-route", 404, "There is no such route")
UNKNOWN_CUSTOMERS = ProblemKind("unknown-customers", 404, "Some customers are not known")
UNKNOWN_CAMPAIGN = ProblemKind("unknown-campaign", 404, "There is no such campaign")
NOTHING_SCORED = ProblemKind("nothing-scored", 404, "The portfolio was not scored yet")
WRONG_METHOD = ProblemKind("wrong-method", 405, "The route does not take this method")
TOO_SLOW = ProblemKind("too-slow", 408, "The request took too long to arrive")
CONTRADICTION = ProblemKind("contradiction", 409, "The event's id is known with other content")
GONE = ProblemKind("erased", 410, "The customer was erased")
TOO_LARGE = ProblemKind("too-large", 413, "The body is too large")
WRONG_CONTENT_TYPE = ProblemKind("wrong-content-type", 415, "The content type is not as expected")
UNFIT = ProblemKind("unfit-request", 422, "The request cannot be answered as it is")
NOTHING_VISIBLE = ProblemKind("nothing-visible", 422, "Nothing was known yet of some customers")
TOO_MANY_CALLS = ProblemKind("too-many-calls", 429, "The key has made its calls of this minute")
HEAD_TOO_LARGE = ProblemKind("head-too-large", 431, "URL and headers are too large")
OUR_FAULT = ProblemKind("our-fault", 500, "Something went wrong on our side")
BUSY = ProblemKind("busy", 503, "Too much is waiting already")
STORE_AWAY = ProblemKind("store-away", 503, "The live store does not answer")
WORKSPACE_BUSY = ProblemKind("workspace-busy", 503, "Another process is writing in the workspace")
NOT_READY = ProblemKind("not-ready", 503, "The service is not ready yet")

PROBLEM_KINDS = (
    MALFORMED,
    MALFORMED_HTTP,
    UNAUTHENTICATED,
    FORBIDDEN,
    UNKNOWN_ROUTE,
    UNKNOWN_CUSTOMERS,
    UNKNOWN_CAMPAIGN,
    NOTHING_SCORED,
    WRONG_METHOD,
    TOO_SLOW,
    CONTRADICTION,
    GONE,
    TOO_LARGE,
    WRONG_CONTENT_TYPE,
    UNFIT,
    NOTHING_VISIBLE,
    TOO_MANY_CALLS,
    HEAD_TOO_LARGE,
    OUR_FAULT,
    BUSY,
    STORE_AWAY,
    WORKSPACE_BUSY,
    NOT_READY,
)


class ProblemError(msgspec.Struct):
    """One wrong value: where it stands, what it is, what was expected."""

    key: str
    value: str
    expected: str


class ProblemDetails(msgspec.Struct, omit_defaults=True):
    """What every answer but a good one looks like."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[ProblemError] = []


class Problem(Exception):  # noqa: N818 -- the name of the thing in RFC 9457
    """Stop answering a call, and say why."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str,
        mistakes: Sequence[Mistake] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.mistakes = tuple(mistakes)
        self.headers = dict(headers or {})


def problem_content(
    kind: ProblemKind, detail: str, mistakes: Sequence[Mistake] = (), instance: str | None = None
) -> bytes:
    """Return a problem as JSON; `instance` is the path that was called."""
    details = ProblemDetails(
        type=f"/docs#{kind.anchor}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=instance,
        errors=[ProblemError(m.key, m.value, m.expected) for m in mistakes],
    )
    return msgspec.json.encode(details)


def problem_response(problem: Problem, instance: str | None = None) -> Response:
    """Return a problem as a response; `instance` is the path that was called."""
    return Response(
        problem_content(problem.kind, problem.detail, problem.mistakes, instance),
        status_code=problem.kind.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )

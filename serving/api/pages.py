"""The pages for people: start and documentation, self-contained and without scripts."""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse

from serving.api.openapi import openapi_document
from serving.api.problems import PROBLEM_KINDS
from serving.limits import LONGEST_HORIZON, MOST_CUSTOMERS

_TEMPLATES = "templates"


async def start_page(request: Request) -> HTMLResponse:
    """Say what this is, and give a first call to copy."""
    return _page("start.html", base_url=str(request.base_url).rstrip("/"))


async def docs_page(request: Request) -> HTMLResponse:
    """Show the OpenAPI document to people, with every kind of problem."""
    limits = request.app.state.current.limits
    document = openapi_document(limits)
    return _page(
        "docs.html",
        document=document,
        operations=_operations(document),
        problems=PROBLEM_KINDS,
        limits=limits,
        most_customers=MOST_CUSTOMERS,
        longest_horizon=LONGEST_HORIZON,
        shown=_type_shown,
    )


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every operation with its path, method and the example of its request as text."""
    listed = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            contents = operation.get("requestBody", {}).get("content", {})
            body: dict[str, Any] = next(iter(contents.values()), {})
            example = json.dumps(body["example"], indent=1) if body else None
            request = body["schema"]["$ref"].rpartition("/")[2] if body else None
            shown = {"path": path, "method": method.upper(), "example": example}
            listed.append(operation | shown | {"request": request})
    return listed


def _type_shown(schema: dict[str, Any]) -> str:
    """Return a field's type in a few words, with its description."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_type_shown(one) for one in schema["anyOf"])
    named = str(schema.get("type", "anything"))
    if "items" in schema:
        named = f"list of {_type_shown(schema['items'])}"
    if "enum" in schema:
        named = "one of " + ", ".join(map(str, schema["enum"]))
    return f"{named}. {schema['description']}" if "description" in schema else named


def _page(template: str, **values: Any) -> HTMLResponse:
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    html = _environment().get_template(template).render(style=style, **values)
    return HTMLResponse(html, headers={"Content-Security-Policy": _policy(digest)})


def _policy(style_digest: str) -> str:
    return (
        f"default-src 'none'; style-src 'sha256-{style_digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _style() -> str:
    return files("serving.api").joinpath(_TEMPLATES, "page.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("serving.api", _TEMPLATES), autoescape=True)

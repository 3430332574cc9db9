"""A page as a document: one file with its own style, which asks nothing of the network."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def rendered(template: str, **content: Any) -> str:
    """Return a template filled in.

    Its policy admits its own style sheet, by digest, and nothing else: no script, no image, no
    font from anywhere.
    """
    style = _style()
    page = _environment().get_template(template)
    return page.render(policy=_policy(style), style=style, **content)


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("serving.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _style() -> str:
    return files("serving.report").joinpath("templates", "report.css").read_text("utf-8")


def _policy(style: str) -> str:
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"

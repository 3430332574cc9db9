"""What holds for the checkout as a whole: imports, sizes, links, commands, versions."""

import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from serving.version import VERSION
from tests.serving.commands.terminal import keepworth

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGES = ("features", "valuation", "training", "serving")
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("npmjs", "org"),
        ("anaconda", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("crates", "io"),
    )
)
"""Written in parts, so that this file may be searched too."""
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
CALL = re.compile(r"\bkeepworth ([a-z-]+)")


def git(*arguments: str) -> str:
    program = shutil.which("git")
    if program is None or not (CHECKOUT / ".git").exists():
        pytest.skip("this is no checkout")
    done = subprocess.run(
        [program, *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Return the files of the checkout, those new and not yet committed included."""
    names = git("ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    return [CHECKOUT / name for name in names if (CHECKOUT / name).is_file()]


@pytest.fixture(scope="module")
def pages(tracked) -> list[Path]:
    return [path for path in tracked if path.suffix == ".md"]


def lines_by_module() -> dict[Path, int]:
    modules = (path for package in PACKAGES for path in (CHECKOUT / package).rglob("*.py"))
    return {path: len(path.read_text("utf-8").splitlines()) for path in modules}


def test_the_import_contract_holds():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


def test_no_module_is_beyond_400_lines():
    assert {path: lines for path, lines in lines_by_module().items() if lines > 400} == {}


def test_the_median_module_has_at_most_150_lines():
    written = [lines for path, lines in lines_by_module().items() if path.name != "__init__.py"]
    assert statistics.median(written) <= 150


def test_every_init_is_a_docstring_and_nothing_else():
    inits = [path for path in lines_by_module() if path.name == "__init__.py"]
    assert inits
    for path in inits:
        assert re.fullmatch(r'"""[^"]+"""\n', path.read_text("utf-8")), path


def test_no_file_names_a_registry(tracked):
    naming = [
        (path.relative_to(CHECKOUT), host)
        for path in tracked
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]
    assert naming == []


def test_links_between_pages_resolve(pages):
    assert pages
    broken = [
        (page.relative_to(CHECKOUT), target)
        for page in pages
        for target in LINK.findall(page.read_text("utf-8"))
        if "://" not in target and not target.startswith(("#", "mailto:"))
        if not (page.parent / target.partition("#")[0]).exists()
    ]
    assert broken == []


def test_links_within_pages_resolve(pages):
    broken = [
        (page.relative_to(CHECKOUT), target)
        for page in pages
        for target in LINK.findall(page.read_text("utf-8"))
        if "#" in target and "://" not in target
        if target.partition("#")[2] not in anchors_of(page, target.partition("#")[0])
    ]
    assert broken == []


def anchors_of(page: Path, other: str) -> set[str]:
    """Return the anchors of the page that a link on `page` names, or of itself."""
    text = (page.parent / other if other else page).read_text("utf-8")
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_commands_that_pages_name_exist(pages):
    code = [part for page in pages for part in CODE.findall(page.read_text("utf-8"))]
    named = {name for part in code for name in CALL.findall(part)}
    assert {"ingest", "train", "score"} <= named
    assert {name for name in named if keepworth(name, "--help").code != 0} == set()


def test_the_changelog_begins_with_the_version_of_the_project():
    versions = re.findall(r"(?m)^## \[(\d[^\]]*)\]", (CHECKOUT / "CHANGELOG.md").read_text("utf-8"))
    assert versions[0] == VERSION

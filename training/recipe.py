"""The recipe of a model version: all that makes two trainings on the same data differ.

A model is its recipe and its data. To compare recipes fairly, each is fitted on the same data.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

import features
import training
import valuation
from features.log import Log
from features.sources import FeatureRules
from features.whole_files import whole_file
from training.bundle import Bundle
from training.business import Business
from training.known import Known, known_at

RECIPE_FILE = "recipe.json"
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "xgboost")


@dataclass(frozen=True)
class Recipe:
    """Name the attributes and the groups left out, the signals they lead to, and the code.

    `signals` are those that the final fit was offered; `code` is a digest of everything that
    computes signals, fits and values, and `libraries` are the versions it rests on. The numbers
    in the code that a fit hangs on are part of the code.
    """

    attributes: tuple[str, ...]
    left_out: tuple[str, ...]
    signals: tuple[str, ...] = ()
    code: str = ""
    libraries: tuple[str, ...] = ()

    @property
    def settings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What this code can be told to do: the part of a recipe that can be fitted again."""
        return tuple(sorted(self.attributes)), tuple(sorted(self.left_out))


def recipe_of(rules: FeatureRules, bundle: Bundle | None = None) -> Recipe:
    """Return the recipe that the configuration and this code are, as a bundle came out of it."""
    signals = () if bundle is None else tuple(signal.name for signal in bundle.model.signals)
    libraries = tuple(f"{name} {version(name)}" for name in _LIBRARIES)
    return Recipe(tuple(rules.attributes), tuple(rules.left_out), signals, code_digest(), libraries)


def known_for(log: Log, business: Business, rules: FeatureRules | Recipe, cutoff: int) -> Known:
    """Return what was known at a cutoff, as a recipe's models are offered it."""
    known = known_at(log, business, list(rules.attributes), cutoff)
    return replace(known, left_out=tuple(rules.left_out))


def write_recipe(recipe: Recipe, folder: Path) -> None:
    """Write a recipe beside the bundle that came out of it."""
    with whole_file(folder / RECIPE_FILE) as draft:
        draft.write_text(json.dumps(asdict(recipe), indent=1) + "\n")


def read_recipe(folder: Path, bundle: Bundle) -> Recipe:
    """Read the recipe of a version; one of before recipes were written tells its attributes."""
    try:
        parts = json.loads((folder / RECIPE_FILE).read_bytes())
    except FileNotFoundError:
        return Recipe(tuple(bundle.vocabulary.levels), ())
    return Recipe(
        attributes=tuple(parts["attributes"]),
        left_out=tuple(parts["left_out"]),
        signals=tuple(parts["signals"]),
        code=str(parts["code"]),
        libraries=tuple(parts["libraries"]),
    )


def same_rules(one: Business, other: Business) -> bool:
    """Return whether two businesses differ in nothing but how far they were observed."""
    span = {"observed_from", "observed_until"}
    return one.model_dump(exclude=span) == other.model_dump(exclude=span)


@cache
def code_digest() -> str:
    """Return a digest of all code that a model hangs on: other code, another recipe."""
    digest = hashlib.sha256()
    for package in (features, training, valuation):
        [folder] = [Path(place) for place in package.__path__]
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{path.relative_to(folder.parent)}\n".encode() + path.read_bytes())
    return digest.hexdigest()

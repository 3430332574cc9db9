"""A bundle on disk: JSON and XGBoost's UBJ, no pickles, checked by digest before it is parsed.

`bundle.json` names every other file with its sha256; the digest of `bundle.json` is the digest
of the version.
"""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import xgboost as xgb

from features.catalogue import Vocabulary, catalogue
from features.mistakes import InputRefusedError, Mistake
from features.references import References
from features.signal import Signal
from training.background import background_as_json, background_from_json
from training.bundle import Bundle
from training.bundle_models import model_as_parts, model_from_parts
from training.business import Business
from training.intervals import Intervals
from training.referrals import referrals_as_json, referrals_from_json
from training.support import Support
from valuation.segments import SegmentCuts

FORMAT = 15
_MANIFEST = "bundle.json"


class AlteredModelError(InputRefusedError):
    """Say that a model's files are not the ones that were registered."""


def save_bundle(bundle: Bundle, folder: Path) -> str:
    """Write a bundle into a new folder and return its digest."""
    folder.mkdir(parents=True)
    parameters, boosters = model_as_parts(bundle.model)
    files = {}
    for name, booster in boosters.items():
        if booster is not None:
            content = bytes(booster.save_raw("ubj"))
            (folder / f"{name}.ubj").write_bytes(content)
            files[f"{name}.ubj"] = _digest(content)
    manifest = {
        "format": FORMAT,
        "business": bundle.business.model_dump(mode="json"),
        "vocabulary": asdict(bundle.vocabulary),
        "references": asdict(bundle.references),
        "signals": [signal.name for signal in bundle.model.signals],
        "support": _support_as_json(bundle.model.support),
        "cuts": bundle.cuts.as_dict(),
        "intervals": None if bundle.intervals is None else asdict(bundle.intervals),
        "background": background_as_json(bundle.background),
        "referrals": referrals_as_json(bundle.referrals),
        "cutoff": bundle.cutoff,
        "observed_from": bundle.observed_from,
        "data_fingerprint": bundle.data_fingerprint,
        "n_customers": bundle.n_customers,
        "model": parameters,
        "files": files,
    }
    content = json.dumps(manifest, indent=1, allow_nan=False).encode()
    (folder / _MANIFEST).write_bytes(content)
    return _digest(content)


def load_bundle(folder: Path, digest: str, version: str) -> Bundle:
    """Read a bundle whose digest is known.

    Raises
    ------
    AlteredModelError
        If a file is not the one that was written, or format or catalogue have changed since.
    """
    manifest = json.loads(_checked(folder / _MANIFEST, digest))
    if manifest.get("format") != FORMAT:
        expected = f"expected {FORMAT}; run `keepworth train` again"
        raise _altered(folder, f"a bundle of format {manifest.get('format')}", expected)
    contents = {name: _checked(folder / name, known) for name, known in manifest["files"].items()}
    business = Business.model_validate(manifest["business"])
    vocabulary = _vocabulary(manifest["vocabulary"])
    signals = _signals(business, vocabulary, manifest["signals"], folder)
    boosters = {name.removesuffix(".ubj"): _booster(raw) for name, raw in contents.items()}
    return Bundle(
        business=business,
        vocabulary=vocabulary,
        references=References(**manifest["references"]),
        model=replace(
            model_from_parts(business, signals, manifest["model"], boosters),
            support=Support.of_names(signals, **manifest["support"]),
        ),
        cuts=SegmentCuts.from_dict(manifest["cuts"]),
        intervals=_intervals(manifest["intervals"]),
        background=background_from_json(manifest["background"]),
        referrals=referrals_from_json(manifest["referrals"]),
        cutoff=manifest["cutoff"],
        observed_from=manifest["observed_from"],
        data_fingerprint=manifest["data_fingerprint"],
        n_customers=manifest["n_customers"],
        version=version,
    )


def digest_of(folder: Path) -> str:
    """Return the digest of the version that a folder holds."""
    return _digest((folder / _MANIFEST).read_bytes())


def cutoff_of(folder: Path) -> int:
    """Return until when a bundle's training saw, in microseconds, whatever its format."""
    return int(json.loads((folder / _MANIFEST).read_bytes())["cutoff"])


def _support_as_json(support: Support) -> dict[str, Any]:
    names = (driver.name for driver in support.drivers)
    return {"ranges": dict(zip(names, support.ranges, strict=True)), "levels": support.levels}


def _vocabulary(parts: dict[str, Any]) -> Vocabulary:
    levels = {
        name: None if known is None else tuple(known) for name, known in parts["levels"].items()
    }
    words = {name: tuple(parts[name]) for name in ("metrics", "severities", "extra_revenue")}
    return Vocabulary(levels=levels, has_allowances=parts["has_allowances"], **words)


def _intervals(parts: dict[str, Any] | None) -> Intervals | None:
    if parts is None:
        return None
    return Intervals(**{name: _tuple(value) for name, value in parts.items()})


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


def _booster(content: bytes) -> xgb.Booster:
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(bytearray(content))
    return booster


def _checked(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        expected = "expected the file that was registered: train again, or restore it"
        raise _altered(path, "missing", expected) from error
    found = _digest(content)
    if found != digest:
        expected = f"expected {digest[:12]}; the file was altered: train again, or restore it"
        raise _altered(path, f"of sha256 {found[:12]}", expected)
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _signals(
    business: Business, vocabulary: Vocabulary, trained_on: list[str], folder: Path
) -> tuple[Signal, ...]:
    """Return the signals that the model was trained on, in order."""
    known = {signal.name: signal for signal in catalogue(business.contract, vocabulary)}
    missing = [name for name in trained_on if name not in known]
    if missing:
        value = f"trained on signals that the catalogue lacks ({', '.join(missing[:5])})"
        raise _altered(folder, value, "run `keepworth train` again")
    return tuple(known[name] for name in trained_on)


def _altered(path: Path, value: str, expected: str) -> AlteredModelError:
    return AlteredModelError("the model cannot be used", [Mistake(str(path), value, expected)])

"""GET /v1/model: which version serves, on what it rests, how it did in its newest backtest."""

from pathlib import Path
from typing import Any

import msgspec

from serving.api.answers import ModelAnswer
from serving.api.asked import iso
from serving.api.current import Current

_NO_BACKTEST = "backtest is null: none was run yet; `keepworth backtest` runs one"
_UNREADABLE = "backtest is null: the newest metrics.json cannot be read; run `keepworth backtest`"


def answer_model(current: Current) -> ModelAnswer:
    """Describe the version that serves."""
    serving = current.serving()
    bundle, business = serving.bundle, serving.bundle.business
    backtest, warnings = _newest_backtest(current.workspace.folder / "backtests")
    return ModelAnswer(
        version=bundle.version,
        contract=business.contract,
        currency=business.currency,
        trained_until=iso(bundle.cutoff),
        observed_from=iso(bundle.observed_from),
        n_customers=bundle.n_customers,
        data_fingerprint=bundle.data_fingerprint,
        longest_month=bundle.longest_month,
        horizon_months=business.horizon_months,
        annual_discount_rate=business.annual_discount_rate,
        n_signals=len(bundle.model.signals),
        backtest=backtest,
        degraded=serving.is_degraded,
        warnings=warnings,
    )


def _newest_backtest(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the metrics that were written last, and why there are none."""
    found = sorted(folder.glob("*/metrics.json"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        return None, [_NO_BACKTEST]
    try:
        return msgspec.json.decode(found[-1].read_bytes(), type=dict[str, Any]), []
    except (OSError, msgspec.DecodeError):
        return None, [_UNREADABLE]

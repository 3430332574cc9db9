"""The model as MLflow loads it: contract events in, scores out.

Logged as code, so that loading it unpickles nothing; it needs keepworth installed.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from mlflow.pyfunc import PythonModel, PythonModelContext

from features.blocks import block_of
from features.instants import instant_of
from training.bundle_files import load_bundle
from training.example_input import contract_table
from training.score_table import score_table
from training.scoring import score


class KeepworthModel(PythonModel):  # type: ignore[misc]  # MLflow is untyped
    """Score the customers of a frame of contract events, as of just after the last one."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the bundle that was logged with this model."""
        digest = context.model_config["digest"]
        self._bundle = load_bundle(
            Path(context.artifacts["bundle"]), digest, f"sha256 {digest[:12]}"
        )

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 -- MLflow's signature
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002 -- MLflow's signature
    ) -> pd.DataFrame:
        """Return the contract's scores, a row a customer."""
        events = contract_table(model_input)
        ends = [pc.max(events.column(name)).as_py() for name in ("occurred_at", "recorded_at")]
        as_of = instant_of(max(ends) + timedelta(microseconds=1))
        business = self._bundle.business
        block = block_of(events, None, business, list(self._bundle.vocabulary.levels))
        table: pa.Table = score_table(score(self._bundle, block, as_of), business)
        return table.to_pandas()


mlflow.models.set_model(KeepworthModel())

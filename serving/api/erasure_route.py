"""DELETE /v1/customers/{customer_id}: erasure, with a receipt."""

from datetime import UTC, datetime

from msgspec.structs import asdict

from features.ingest.lock import WorkspaceBusyError, writing
from serving.api.answers import ErasureReceipt
from serving.api.current import Current
from serving.api.problems import WORKSPACE_BUSY, Problem
from serving.store.erasing import ELSEWHERE, erase_customers

CUSTOMER_PATH = "/v1/customers/{customer_id:path}"


def answer_erasure(current: Current, customer_id: str, caller: str) -> ErasureReceipt:
    """Erase a customer, and keep the id out from now on; again, and there is nothing more to do.

    Whoever is asked for is erased: rows of others may name somebody of whom there are none.

    Raises
    ------
    Problem
        If another process is writing in the workspace.
    """
    workspace = current.workspace
    try:
        with writing(workspace.state):
            now = datetime.now(UTC)
            receipt = erase_customers(workspace.folder, workspace.store, [customer_id], now, caller)
    except WorkspaceBusyError as error:
        detail = "Another process is writing in the workspace; try again when it has ended."
        raise Problem(WORKSPACE_BUSY, detail, headers={"Retry-After": "10"}) from error
    said = asdict(receipt)
    (subject,) = said.pop("subjects")
    return ErasureReceipt(subject=subject, elsewhere=ELSEWHERE, **said)

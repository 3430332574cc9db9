"""DELETE /v1/customers/{customer_id}: erasure, with a receipt."""

from datetime import UTC, datetime

from msgspec.structs import asdict

from features.ingest.lock import WorkspaceBusyError, writing
from features.mistakes import Mistake
from serving.api.answers import ErasureReceipt
from serving.api.current import Current
from serving.api.problems import UNKNOWN_CUSTOMERS, WORKSPACE_BUSY, Problem
from serving.store.erasing import ELSEWHERE, erase_customers

CUSTOMER_PATH = "/v1/customers/{customer_id:path}"


def answer_erasure(current: Current, customer_id: str, caller: str) -> ErasureReceipt:
    """Erase a customer, and keep the id out from now on; again, and there is nothing more to do.

    Raises
    ------
    Problem
        If nobody of this id was ever known, or another process is writing in the workspace.
    """
    workspace = current.workspace
    try:
        with writing(workspace.state):
            _require_known(current, customer_id)
            now = datetime.now(UTC)
            receipt = erase_customers(workspace.folder, workspace.store, [customer_id], now, caller)
    except WorkspaceBusyError as error:
        detail = "Another process is writing in the workspace; try again when it has ended."
        raise Problem(WORKSPACE_BUSY, detail, headers={"Retry-After": "10"}) from error
    said = asdict(receipt)
    (subject,) = said.pop("subjects")
    return ErasureReceipt(subject=subject, elsewhere=ELSEWHERE, **said)


def _require_known(current: Current, customer_id: str) -> None:
    known = current.known()
    is_known = known.tables_of([customer_id]).events.num_rows or known.lists(customer_id)
    if not is_known and customer_id not in current.log.erased:
        expected = "expected a customer with events, or of the customers table"
        mistake = Mistake("customer_id", repr(customer_id), expected)
        raise Problem(UNKNOWN_CUSTOMERS, "Nobody of this id is known.", [mistake])

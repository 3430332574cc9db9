"""Turn CDNOW's fixed-width text into a table that a SELECT can read."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.mistakes import InputRefusedError, Mistake

_FILE = "CDNOW_master.txt"
_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("date", pa.date32()),
        ("n_cds", pa.int32()),
        ("dollars", pa.float64()),
    ]
)


def prepare(source: Path, target: Path) -> None:
    """Read `CDNOW_master.txt` of `source`; write `purchases.parquet` to `target`.

    Customer ids keep their leading zeros.

    Raises
    ------
    InputRefusedError
        If a line is not a customer, a date (yyyymmdd), a number of CDs and an amount.
    """
    lines = (source / _FILE).read_text("ascii").splitlines()[1:]
    rows = [_row(number, line) for number, line in enumerate(lines, start=2) if line.strip()]
    table = pa.Table.from_pylist(rows, schema=_SCHEMA)
    pq.write_table(table, target / "purchases.parquet", compression="zstd")


def _row(number: int, line: str) -> dict[str, object]:
    try:
        customer, day, n_cds, dollars = line.split()
        return {
            "customer_id": customer,
            "date": date(int(day[:4]), int(day[4:6]), int(day[6:])),
            "n_cds": int(n_cds),
            "dollars": float(dollars),
        }
    except ValueError as error:
        expected = "expected a customer, a date as yyyymmdd, a number of CDs and an amount"
        mistake = Mistake(f"{_FILE}, line {number}", repr(line.strip()), expected)
        raise InputRefusedError("This is not the CDNOW file.", [mistake]) from error

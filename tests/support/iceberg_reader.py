"""Runs in Spark's own environment, without Spark: reads Iceberg tables by pyiceberg, which shares no code with it.

Its argument is a JSON object, `warehouse` and `tables` (name -> snapshot, null: the current one); it prints the rows.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyiceberg.table import StaticTable


def shown(value: Any) -> Any:
    """A value as JSON, the same as tests/support/lakehouse.py writes PostgreSQL's."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.isoformat()


def rows(table: Path, snapshot: int | None) -> list[dict[str, Any]]:
    """The rows of a table as of a snapshot; instants as microseconds since 1970."""
    version = (table / "metadata" / "version-hint.text").read_text().strip()
    iceberg = StaticTable.from_metadata((table / "metadata" / f"v{version}.metadata.json").as_uri())
    found = iceberg.scan(snapshot_id=snapshot).to_arrow()
    columns = {
        field.name: found[field.name].cast(pa.int64()) if pa.types.is_timestamp(field.type) else found[field.name]
        for field in found.schema
    }
    return [{name: shown(value) for name, value in row.items()} for row in pa.table(columns).to_pylist()]


asked = json.loads(sys.argv[1])
folder = Path(asked["warehouse"]) / "raw_vault"
sys.stdout.write(json.dumps({name: rows(folder / name, snapshot) for name, snapshot in asked["tables"].items()}))

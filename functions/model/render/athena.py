"""Views of the vault's history for BI on the lake, rendered from the model: business keys beside every version.

The SQL is what Athena and PostgreSQL have in common, so a test runs it. Which version counts now is the ledger's
to say (a file may be retracted, or arrive late), which the lake does not hold: for that there are the marts' tables.
Columns with personal data are left out unless the model shows persons in the lake.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass

from functions.model.classification import Classification
from functions.model.declaration import ColumnType, Model

_ATHENA_TYPES: dict[ColumnType, tuple[str, str]] = {
    "text": ("varchar", "string"),
    "integer": ("bigint", "bigint"),
    "decimal": ("decimal(38,18)", "decimal(38,18)"),
    "date": ("date", "date"),
    "timestamp": ("timestamp(6)", "timestamp"),
}
_BOOLEAN = ("boolean", "boolean")


@dataclass(frozen=True)
class ViewColumn:
    """A column of a view: its expression, and its type as Athena and as the Glue catalog name it."""

    name: str
    expression: str
    athena_type: str
    glue_type: str


@dataclass(frozen=True)
class AthenaView:
    """A view, over tables of one database."""

    name: str
    columns: tuple[ViewColumn, ...]
    tables: str

    @property
    def query(self) -> str:
        """Its SELECT."""
        listed = ",\n".join(f'    {column.expression} as "{column.name}"' for column in self.columns)
        return f"select\n{listed}\n{self.tables}"

    @property
    def statement(self) -> str:
        """What creates it, in Athena's editor."""
        return f'create or replace view "{self.name}" as\n{self.query}'

    def original_text(self, database: str) -> str:
        """What the Glue catalog keeps of it, as Athena itself writes it."""
        view = {
            "originalSql": self.query,
            "catalog": "awsdatacatalog",
            "schema": database,
            "columns": [{"name": column.name, "type": column.athena_type} for column in self.columns],
        }
        return f"/* Presto View: {base64.b64encode(json.dumps(view).encode()).decode()} */"


def athena_views(model: Model, database: str) -> Iterator[AthenaView]:
    """For each satellite `sat_<what>` a view `<what>_history`, over the vault's tables in `database`."""
    for name, satellite in model.satellites.items():
        link = satellite.parent if satellite.parent in model.links else None
        columns = [
            *_keys(model, link, satellite.parent),
            *_payload(model, name),
            *(_column(instant, "timestamp", "s") for instant in ("effective_at", "loaded_at")),
            _column("record_source", "integer", "s"),
        ]
        yield AthenaView(f"{name.removeprefix('sat_')}_history", tuple(columns), _tables(model, name, link, database))


def _keys(model: Model, link: str | None, parent: str) -> Iterator[ViewColumn]:
    for hub in model.links[link].hubs if link else [parent]:
        yield _column(model.hubs[hub].business_key, "text", hub)
    child = model.links[link].dependent_child_key if link else None
    if link and child:
        yield _column(child, model.sources[model.links[link].source].columns[child].type, "l")


def _payload(model: Model, name: str) -> Iterator[ViewColumn]:
    satellite = model.satellites[name]
    if satellite.status_of is not None:
        yield ViewColumn("is_deleted", '"s"."is_deleted"', *_BOOLEAN)
        return
    if satellite.driving_key is not None:
        return
    classes = Classification(model)
    for column in satellite.columns:
        kind = model.sources[satellite.source].columns[column].type
        if model.lake_persons == "shown" or not classes.hides(column, is_text=kind == "text"):
            yield _column(column, kind, "s")


def _column(name: str, kind: ColumnType, table: str) -> ViewColumn:
    value = f'"{table}"."{name}"'
    return ViewColumn(name, f"cast({value} as timestamp(6))" if kind == "timestamp" else value, *_ATHENA_TYPES[kind])


def _tables(model: Model, name: str, link: str | None, database: str) -> str:
    lines = [f'from "{database}"."{name}" as "s"']
    if link:
        lines.append(f'join "{database}"."{link}" as "l" on "l"."link_hash_key" = "s"."link_hash_key"')
    for hub in model.links[link].hubs if link else [model.satellites[name].parent]:
        key = model.hubs[hub].hash_key
        side = "l" if link else "s"
        lines.append(f'join "{database}"."{hub}" as "{hub}" on "{hub}"."{key}" = "{side}"."{key}"')
    return "\n".join(lines)

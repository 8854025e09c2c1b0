"""DDL of the staging tables and the raw vault, rendered from the model.

`python -m functions.model.render.ddl` prints the text of sql/migrations/0002_vault.sql, which began as that.
"""

import sys
from collections.abc import Iterator

from psycopg import sql

from functions.model.declaration import Model
from functions.model.reading import load_model
from functions.model.render.hash_keys import ZERO_KEY, key_form, staged_hashdiff
from functions.model.render.recorded_model import render_recorded_model
from functions.model.render.row_rules import POSTGRES_TYPES

_ORIGIN = sql.SQL(
    "    loaded_at timestamptz not null,\n    record_source bigint not null,\n    record_row bigint not null"
)
_HASH_VERSION = sql.SQL("    hash_version smallint not null default 1")


def _table(name: str, lines: list[sql.Composable]) -> sql.Composed:
    return sql.SQL("create table {} (\n{}\n);\n").format(sql.Identifier("raw_vault", name), sql.SQL(",\n").join(lines))


def _column(name: str, type_name: str, *, required: bool = False) -> sql.Composed:
    return sql.SQL("    {} {}{}").format(
        sql.Identifier(name), sql.SQL(type_name), sql.SQL(" not null" if required else "")
    )


def _primary_key(*names: str) -> sql.Composed:
    return sql.SQL("    primary key ({})").format(sql.SQL(", ").join(map(sql.Identifier, names)))


def staging_table(model: Model, source: str) -> list[sql.Composable]:
    """A partition for each part of a file: filled by a parallel CREATE TABLE AS, gone with a DROP TABLE."""
    lines: list[sql.Composable] = [
        _column("object_id", "bigint"),
        _column("part", "integer"),
        _column("row_number", "bigint"),
    ]
    lines += [_column(name, POSTGRES_TYPES[column.type]) for name, column in model.sources[source].columns.items()]
    lines += [_column(name, "bytea") for name in model.hashes(source)]
    lines += [
        _column(staged_hashdiff(name, satellite), "bytea")
        for name, satellite in model.satellites_of(source).items()
        if satellite.driving_key is None
    ]
    return [
        sql.SQL("create table {} (\n{}\n) partition by range (object_id, part);\n").format(
            sql.Identifier("staging", source), sql.SQL(",\n").join(lines)
        )
    ]


def hub_table(model: Model, name: str) -> list[sql.Composable]:
    """A hub, with its zero key."""
    hub = model.hubs[name]
    key = _column(hub.hash_key, "bytea", required=True)
    lines = [key, _column(hub.business_key, "text"), _ORIGIN, _HASH_VERSION, _primary_key(hub.hash_key)]
    return [
        _table(name, lines),
        sql.SQL("insert into {} ({}, loaded_at, record_source, record_row)\nvalues ({}, '-infinity', 0, 0);\n").format(
            sql.Identifier("raw_vault", name), sql.Identifier(hub.hash_key), ZERO_KEY
        ),
        *hub_indexes(model, name),
    ]


def hub_indexes(model: Model, name: str) -> list[sql.Composed]:
    """By which the check for keys that hardly differ finds a run's new keys, and those of the same form.

    Only of a hub of several sources, whose keys join them; on each order's key it would slow a first load by a tenth.
    """
    if len(model.hubs[name].sources) < 2:
        return []
    table = sql.Identifier("raw_vault", name)
    return [
        sql.SQL(
            "create index on {} using brin (record_source) with (pages_per_range = 16, autosummarize = on);\n"
        ).format(table),
        sql.SQL("create index on {} (({}));\n").format(table, key_form(sql.Identifier(model.hubs[name].business_key))),
    ]


def link_table(model: Model, name: str) -> list[sql.Composable]:
    """A link, with the indexes by which it is looked up."""
    link = model.links[name]
    hub_keys = [model.hubs[hub].hash_key for hub in link.hubs]
    lines: list[sql.Composable] = [_column("link_hash_key", "bytea", required=True)]
    lines += [_column(key, "bytea", required=True) for key in hub_keys]
    if link.dependent_child_key is not None:
        child = model.sources[link.source].columns[link.dependent_child_key]
        lines.append(_column(link.dependent_child_key, POSTGRES_TYPES[child.type]))
    lines += [_ORIGIN, _HASH_VERSION, _primary_key("link_hash_key")]
    return [_table(name, lines), *(link_index(model, name, hub) for hub in link.indexed)]


def link_index(model: Model, name: str, hub: str) -> sql.Composed:
    """The index by which a link is looked up by one of its hubs."""
    return sql.SQL("create index on {} ({});\n").format(
        sql.Identifier("raw_vault", name), sql.Identifier(model.hubs[hub].hash_key)
    )


def satellite_table(model: Model, name: str) -> list[sql.Composable]:
    """A satellite."""
    satellite = model.satellites[name]
    table = sql.Identifier("raw_vault", name)
    key = model.satellite_key(name)
    lines: list[sql.Composable] = [
        _column(key, "bytea", required=True),
        _column("effective_at", "timestamptz", required=True),
    ]
    if satellite.status_of is not None:
        lines.append(_column("is_deleted", "boolean", required=True))
    elif satellite.driving_key is not None:
        lines.append(_column("link_hash_key", "bytea", required=True))
    else:
        lines.append(_column("hashdiff", "bytea", required=True))
        columns = model.sources[satellite.source].columns
        lines += [_column(column, POSTGRES_TYPES[columns[column].type]) for column in satellite.columns]
    lines += [_ORIGIN, _HASH_VERSION, _primary_key(*model.satellite_primary_key(name))]
    return [
        _table(name, lines),
        # rows arrive in order of their source, so a few pages of summary find those of one file
        sql.SQL(
            "create index on {} using brin (record_source) with (pages_per_range = 16, autosummarize = on);\n"
        ).format(table),
    ]


def tables(model: Model) -> Iterator[tuple[str, list[sql.Composable]]]:
    """Each table of staging and of the raw vault as `schema.name`, and the statements that create it."""
    for source in model.sources:
        yield f"staging.{source}", staging_table(model, source)
    for name in model.hubs:
        yield f"raw_vault.{name}", hub_table(model, name)
    for name in model.links:
        yield f"raw_vault.{name}", link_table(model, name)
    for name in model.satellites:
        yield f"raw_vault.{name}", satellite_table(model, name)


def render_ddl(model: Model) -> str:
    """The statements that create the staging tables and the raw vault in an empty database."""
    return "\n".join(statement.as_string() for _, statements in tables(model) for statement in statements)


if __name__ == "__main__":
    heading = "-- Rendered from sql/model.yaml by functions/model/render/ddl.py.\n"
    sys.stdout.write(f"{heading}{render_recorded_model(load_model())}\n{render_ddl(load_model())}")

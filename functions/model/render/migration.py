"""The migration from the tables of one model to those of another that only adds to it. Pure: two models, one text."""

from collections.abc import Iterator

from psycopg import sql

from functions.model.declaration import Model
from functions.model.entry import Finding
from functions.model.render.ddl import hub_indexes, hub_table, link_index, link_table, satellite_table, staging_table
from functions.model.render.recorded_model import render_recorded_model
from functions.model.render.row_rules import POSTGRES_TYPES

_HEADING = "-- Rendered from sql/model.yaml by `c360 model migration`.\n"
_KEEP = "the vault keeps its history, so it must stay declared"


def not_additive(current: Model, target: Model) -> Iterator[Finding]:
    """What `target` removes from, or changes in, the tables and keys of `current`: where in the model, and why not."""
    for name, source in current.sources.items():
        if name not in target.sources:
            yield ("sources", name), f"source {name} is gone: {_KEEP}"
            continue
        for column, declared in source.columns.items():
            place = ("sources", name, "columns", column)
            now = target.sources[name].columns.get(column)
            if now is None:
                yield place, f"column {column} is gone: {_KEEP}"
            elif now.type != declared.type:
                yield (*place, "type"), f"column {column} is {declared.type} in the vault: add a column of another name"
            elif now.default != declared.default and column in _key_columns(current, name):
                yield (*place, "default"), f"the default of {column} is part of keys that the vault holds"
    for name, hub in current.hubs.items():
        if name not in target.hubs:
            yield ("hubs", name), f"{name} is gone: {_KEEP}"
            continue
        for field in ("hash_key", "business_key"):
            if getattr(target.hubs[name], field) != getattr(hub, field):
                yield ("hubs", name, field), f"{field} of {name} is {getattr(hub, field)} in the vault"
        for feeding in hub.sources:
            if feeding not in target.hubs[name].sources:
                yield ("hubs", name, "sources"), f"{name} no longer takes rows from source {feeding}"
    for name, link in current.links.items():
        if name not in target.links:
            yield ("links", name), f"{name} is gone: {_KEEP}"
            continue
        now_link = target.links[name]
        if now_link.hubs != link.hubs or now_link.dependent_child_key != link.dependent_child_key:
            child = f" and {link.dependent_child_key}" if link.dependent_child_key else ""
            yield ("links", name, "hubs"), f"the keys of {name} are of {', '.join(link.hubs)}{child}, in this order"
        if now_link.driving_key != link.driving_key:
            yield ("links", name, "driving_key"), f"the driving key of {name} is {link.driving_key} in the vault"
        if now_link.source != link.source:
            yield ("links", name, "source"), f"the source of {name} is {link.source}"
        for hub_name in link.indexed:
            if hub_name not in now_link.indexed:
                yield ("links", name, "indexed"), f"the index of {name} by {hub_name} is gone"
    for name, satellite in current.satellites.items():
        if name not in target.satellites:
            yield ("satellites", name), f"{name} is gone: {_KEEP}"
            continue
        now_satellite = target.satellites[name]
        for field in ("parent", "source", "driving_key", "status_of"):
            if getattr(now_satellite, field) != getattr(satellite, field):
                yield ("satellites", name, field), f"{field} of {name} is {getattr(satellite, field)} in the vault"
        if now_satellite.columns[: len(satellite.columns)] != satellite.columns:
            yield (
                ("satellites", name, "columns"),
                f"{name} begins with {', '.join(satellite.columns)}: add columns at the end, or every version changes",
            )


def render_migration(current: Model, target: Model) -> str | None:
    """The statements that add what `target` has more than `current`; None when both have the same tables.

    Only for a `target` without problems of `not_additive`. A staging table is recreated when it changes: it is empty
    between runs, and a run that failed stages its files again.
    """
    statements = [
        *_staging(current, target),
        *_hubs(current, target),
        *_links(current, target),
        *_satellites(current, target),
    ]
    if not statements:
        return None
    return "\n".join([_HEADING + render_recorded_model(target), *(statement.as_string() for statement in statements)])


def _key_columns(model: Model, source: str) -> set[str]:
    children = {link.dependent_child_key or "" for link in model.links.values() if link.source == source}
    return children | model.business_keys(source)


def _staging(current: Model, target: Model) -> Iterator[sql.Composable]:
    for name in target.sources:
        table = staging_table(target, name)
        if name not in current.sources:
            yield from table
        elif _lines(staging_table(current, name)) != _lines(table):
            yield sql.SQL("drop table {};\n").format(sql.Identifier("staging", name))
            yield from table


def _hubs(current: Model, target: Model) -> Iterator[sql.Composable]:
    for name in target.hubs:
        if name not in current.hubs:
            yield from hub_table(target, name)
        elif not hub_indexes(current, name):
            yield from hub_indexes(target, name)


def _links(current: Model, target: Model) -> Iterator[sql.Composable]:
    for name, link in target.links.items():
        if name not in current.links:
            yield from link_table(target, name)
            continue
        for hub in link.indexed:
            if hub not in current.links[name].indexed:
                yield link_index(target, name, hub)


def _satellites(current: Model, target: Model) -> Iterator[sql.Composable]:
    for name, satellite in target.satellites.items():
        if name not in current.satellites:
            yield from satellite_table(target, name)
            continue
        columns = target.sources[satellite.source].columns
        for column in satellite.columns[len(current.satellites[name].columns) :]:
            yield sql.SQL("alter table {} add column {} {};\n").format(
                sql.Identifier("raw_vault", name),
                sql.Identifier(column),
                sql.SQL(POSTGRES_TYPES[columns[column].type]),
            )


def _lines(statements: list[sql.Composable]) -> set[str]:
    """The lines of a table's DDL: equal for two tables that differ in the order of their columns only."""
    return {line.rstrip(",") for statement in statements for line in statement.as_string().splitlines()}

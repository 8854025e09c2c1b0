"""Checks of the vault itself, which has no foreign keys: does each key exist, once, and is the zero key there?"""

from collections.abc import Iterator

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.model.declaration import Model
from functions.model.render.checks import render_has_zero_key, render_orphans
from functions.quality.results import CheckResult


def check_integrity(connection: Connection, model: Model, object_ids: list[int]) -> Iterator[CheckResult]:
    """Orphans among the keys this run has loaded, missing zero keys, and tables that would let a row in twice."""
    yield from _orphans(connection, model, object_ids)
    yield _zero_keys(connection, model)
    yield _unique_rows(connection, model)


def _orphans(connection: Connection, model: Model, object_ids: list[int]) -> Iterator[CheckResult]:
    """Every hash key that staging computed must be in its hub or link, and every link's keys in their hubs."""
    for source in model.sources:
        for parent in model.hashes(source).values():
            statement = render_orphans(model, source, parent)
            row = connection.execute(statement, {"object_ids": object_ids}).fetchone()
            orphans = row[0] if row else 0
            yield CheckResult(
                f"{source}.{parent}.loaded",
                "error",
                orphans == 0,
                f"{orphans} rows without their key",
                source,
                orphans,
                "0",
            )


def _zero_keys(connection: Connection, model: Model) -> CheckResult:
    """An anonymous sale links to the zero key: it must be in every hub."""
    lacking = []
    for name in model.hubs:
        row = connection.execute(render_has_zero_key(model, name)).fetchone()
        if row != (True,):
            lacking.append(name)
    observed = f"hubs without their zero key: {', '.join(lacking) or 'none'}"
    return CheckResult("vault.zero_keys", "error", not lacking, observed, None, len(lacking), "0")


def _unique_rows(connection: Connection, model: Model) -> CheckResult:
    """One row of a hub or link for a key, one of a satellite for a key at a place in the order of versions."""
    keys = {name: {model.hash_key(name)} for name in (*model.hubs, *model.links)}
    for name in model.satellites:
        keys[name] = set(model.satellite_primary_key(name))
    lacking = []
    for name, key in keys.items():
        indexes = connection.execute(read_sql("quality/unique_indexes.sql"), (f"raw_vault.{name}",)).fetchall()
        if not any(set(columns) <= key for (columns,) in indexes):
            lacking.append(name)
    observed = f"tables without a valid unique index on their key: {', '.join(lacking) or 'none'}"
    return CheckResult("vault.unique", "error", not lacking, observed, None, len(lacking), "0")

"""Checks of the vault itself, which has no foreign keys: does each key exist, once, and is the zero key there?"""

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.model.declaration import Model
from functions.model.render.checks import render_has_zero_key, render_orphans
from functions.quality.results import CheckResult


def count_orphans(connection: Connection, model: Model, source: str, parent: str, object_ids: list[int]) -> int:
    """How many rows of these objects of the source lack their key.

    Every hash key that staging computed must be in its hub or link, and every link's keys in their hubs.
    """
    row = connection.execute(render_orphans(model, source, parent), {"object_ids": object_ids}).fetchone()
    return int(row[0]) if row else 0


def check_orphans(source: str, parent: str, orphans: int) -> CheckResult:
    """So many rows lack their key in this hub or link."""
    observed = f"{orphans} rows without their key"
    return CheckResult(f"{source}.{parent}.loaded", "error", orphans == 0, observed, source, orphans, "0")


def check_zero_keys(connection: Connection, model: Model) -> CheckResult:
    """An anonymous sale links to the zero key: it must be in every hub."""
    lacking = []
    for name in model.hubs:
        row = connection.execute(render_has_zero_key(model, name)).fetchone()
        if row != (True,):
            lacking.append(name)
    observed = f"hubs without their zero key: {', '.join(lacking) or 'none'}"
    return CheckResult("vault.zero_keys", "error", not lacking, observed, None, len(lacking), "0")


def check_unique_rows(connection: Connection, model: Model) -> CheckResult:
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

"""Checks of the vault itself, which has no foreign keys: does each key exist, once, and is the zero key there?"""

from collections.abc import Iterator

from psycopg import sql

from functions.common.database import Connection
from functions.model.declaration import Model
from functions.model.render_ddl import satellite_key
from functions.model.row_expressions import ZERO_KEY, staged_parent_key
from functions.quality.results import CheckResult

# A unique index keeps duplicate rows out, if it is there, valid, and on these columns.
_UNIQUE = """select array_agg(attribute.attname::text order by attribute.attname)
from pg_index as index
join pg_attribute as attribute on attribute.attrelid = index.indrelid and attribute.attnum = any(index.indkey)
where index.indrelid = to_regclass(%s)
    and index.indisunique
    and index.indisvalid
    and index.indpred is null
    and index.indexprs is null
group by index.indexrelid"""


def check_integrity(connection: Connection, model: Model, object_ids: list[int]) -> Iterator[CheckResult]:
    """Orphans among the keys this run has loaded, missing zero keys, and tables that would let a row in twice."""
    yield from _orphans(connection, model, object_ids)
    yield _zero_keys(connection, model)
    yield _unique_rows(connection, model)


def _orphans(connection: Connection, model: Model, object_ids: list[int]) -> Iterator[CheckResult]:
    """Every hash key that staging computed must be in its hub or link, and every link's keys in their hubs."""
    for source in model.sources:
        for parent in model.hashes(source).values():
            key = sql.Identifier(model.hash_key(parent))
            staged = sql.Identifier(staged_parent_key(model, parent))
            row = connection.execute(
                sql.SQL(
                    "select count(*) from {} as s where s.object_id = any(%s)"
                    " and not exists (select from {} as p where p.{} = s.{})"
                ).format(sql.Identifier("staging", source), sql.Identifier("raw_vault", parent), key, staged),
                (object_ids,),
            ).fetchone()
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
    for name, hub in model.hubs.items():
        row = connection.execute(
            sql.SQL("select exists (select from {} where {} = {})").format(
                sql.Identifier("raw_vault", name), sql.Identifier(hub.hash_key), ZERO_KEY
            )
        ).fetchone()
        if row != (True,):
            lacking.append(name)
    observed = f"hubs without their zero key: {', '.join(lacking) or 'none'}"
    return CheckResult("vault.zero_keys", "error", not lacking, observed, None, len(lacking), "0")


def _unique_rows(connection: Connection, model: Model) -> CheckResult:
    """One row of a hub or link for a key, one of a satellite for a key at a place in the order of versions."""
    wanted = {name: {model.hash_key(name)} for name in (*model.hubs, *model.links)}
    for name, satellite in model.satellites.items():
        wanted[name] = {satellite_key(model, satellite), "effective_at", "record_source", "record_row"}
    lacking = []
    for name, columns in wanted.items():
        found = connection.execute(_UNIQUE, (f"raw_vault.{name}",)).fetchall()
        if not any(set(row[0]) <= columns for row in found):
            lacking.append(name)
    observed = f"tables without a valid unique index on their key: {', '.join(lacking) or 'none'}"
    return CheckResult("vault.unique", "error", not lacking, observed, None, len(lacking), "0")

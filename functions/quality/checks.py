"""Checks before and after the vault is loaded. Every result is kept in metadata.quality_result."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from psycopg import sql

from functions.common.database import Connection
from functions.common.ledger import active_run, objects_of
from functions.common.sql_files import read_sql
from functions.model.declaration import Model
from functions.quality.integrity import check_orphans, check_unique_rows, check_zero_keys, count_orphans
from functions.quality.keys import check_keys, hubs_of_several_sources
from functions.quality.reconciliation import forget_counts, record_counts, unreconciled
from functions.quality.results import CheckResult, enforce, keep
from functions.quality.rows import check_rows
from functions.quality.volume_and_freshness import check_count, check_freshness, check_future

__all__ = ["CheckResult", "check_staging", "check_vault", "conclude_vault", "enforce", "vault_units"]


def check_staging(connection: Connection, model: Model, run_id: str) -> list[CheckResult]:
    """What the files brought: are all rows there, are they as expected, and how much was set aside?

    Raises nothing about the data, see `enforce`; ModelError when a declared pattern is none.
    """
    active_run(connection, run_id)
    _prepare(connection)
    # most keys are distinct, so a small sample says as much as a large one
    connection.execute("set local default_statistics_target = 20")
    for source in model.sources:
        keys = [sql.Identifier(name) for name in ("object_id", *model.hashes(source))]
        connection.execute(
            sql.SQL("analyze {} ({})").format(sql.Identifier("staging", source), sql.SQL(", ").join(keys))
        )
    object_ids = objects_of(connection, run_id, ["STAGED"])
    results: list[CheckResult] = []
    for source, rows in _rows_of(connection, model, object_ids).items():
        results += check_rows(connection, model, source, object_ids)
        results.append(check_count(connection, model, run_id, source, rows))
    results.append(_rejected_rows(connection, model, object_ids))
    results.append(_rejected_files(connection, model, run_id))
    return keep(connection, run_id, "staging", results)


def check_vault(connection: Connection, model: Model, run_id: str) -> list[CheckResult]:
    """What the vault made of it: does every key exist, does every row add up? And are files late?

    Also of a night without files, of which only the last question asks anything.
    """
    found = {name: unit(connection) for name, unit in vault_units(connection, model, run_id).items()}
    return conclude_vault(connection, model, run_id, found)


def vault_units(
    connection: Connection, model: Model, run_id: str, most_rows: int | None = None
) -> dict[str, Callable[[Connection], Any]]:
    """The parts of `check_vault` that take the longer the more rows came, by name, to be done in this order.

    Each may be a transaction of its own, and looks at objects with about `most_rows` rows together (None: with any
    number). What they return (as JSON has it) `conclude_vault` takes. Raises RunNotActiveError.
    """
    active_run(connection, run_id)
    staged = _staged(connection, run_id)
    every = [object_id for of_source in staged.values() for object_id in of_source]
    units: dict[str, Callable[[Connection], Any]] = {"forget": partial(forget_counts, object_ids=every)}
    for source in model.sources:
        for number, group in enumerate(_groups(staged.get(source, {}), most_rows)):
            count = partial(record_counts, model=model, source=source, object_ids=group)
            units[f"{source}.{number}"] = count
            for parent in _parents(model, source):
                orphans = partial(count_orphans, model=model, source=source, parent=parent, object_ids=group)
                units[f"{source}.{parent}.{number}"] = orphans
    for hub, source in hubs_of_several_sources(model, staged):
        units[f"{hub}.{source}"] = partial(_variants, model=model, hub=hub, source=source, object_ids=[*staged[source]])
    return {name: partial(_prepared, unit) for name, unit in units.items()}


def conclude_vault(connection: Connection, model: Model, run_id: str, found: Mapping[str, Any]) -> list[CheckResult]:
    """The results of all checks of the vault, which are kept; `found`: what each of `vault_units` returned."""
    active_run(connection, run_id)
    _prepare(connection)
    staged = _staged(connection, run_id)
    object_ids = objects_of(connection, run_id, ["STAGED"])
    orphans = {
        (source, parent): sum(count for name, count in found.items() if name.rpartition(".")[0] == f"{source}.{parent}")
        for source in model.sources
        for parent in _parents(model, source)
    }
    results = [
        *(check_orphans(source, parent, count) for (source, parent), count in orphans.items()),
        check_zero_keys(connection, model),
        check_unique_rows(connection, model),
        _rows_reconcile(connection, object_ids),
        _measures_reconcile(connection, object_ids),
        *(CheckResult(**found[f"{hub}.{source}"]) for hub, source in hubs_of_several_sources(model, staged)),
        *check_freshness(connection, model, run_id),
        *check_future(connection, model, run_id),
    ]
    return keep(connection, run_id, "vault", results)


def _staged(connection: Connection, run_id: str) -> dict[str, dict[int, int]]:
    """The run's staged objects: source -> object -> rows read."""
    staged: dict[str, dict[int, int]] = {}
    for source, object_id, rows in connection.execute(
        "select source, object_id, coalesce(rows_read, 0) from metadata.object_version"
        " where run_id = %s and status = 'STAGED' order by object_id",
        (run_id,),
    ):
        staged.setdefault(source, {})[object_id] = rows
    return staged


def _groups(rows_of: Mapping[int, int], most_rows: int | None) -> list[list[int]]:
    """The objects, in their order, in groups of about so many rows; one group, if an empty one, at least."""
    groups: list[list[int]] = [[]]
    rows = 0
    for object_id, of_object in rows_of.items():
        if most_rows is not None and groups[-1] and rows + of_object > most_rows:
            groups.append([])
            rows = 0
        groups[-1].append(object_id)
        rows += of_object
    return groups


def _parents(model: Model, source: str) -> list[str]:
    """The hubs and links whose keys rows of the source must have."""
    return [*model.hashes(source).values()]


def _variants(connection: Connection, model: Model, hub: str, source: str, object_ids: list[int]) -> dict[str, Any]:
    return asdict(check_keys(connection, model, hub, source, object_ids))


def _prepared(unit: Callable[[Connection], Any], connection: Connection) -> Any:
    _prepare(connection)
    return unit(connection)


def _prepare(connection: Connection) -> None:
    connection.execute("set local work_mem = '64MB'")
    # compiling a wide expression takes longer than evaluating it for a night's rows
    connection.execute("set local jit = off")


def _rows_of(connection: Connection, model: Model, object_ids: list[int]) -> dict[str, int]:
    """Source -> rows read from its files, of the sources that these objects are of, in the model's order."""
    read: dict[str, int] = dict(
        connection.execute(
            "select source, sum(rows_read)::bigint from metadata.object_version where object_id = any(%s) group by 1",
            (object_ids,),
        ).fetchall()
    )
    return {source: read[source] for source in model.sources if source in read}


def _rejected_rows(connection: Connection, model: Model, object_ids: list[int]) -> CheckResult:
    row = connection.execute(
        "select coalesce(sum(rows_quarantined), 0)::bigint, coalesce(sum(rows_read), 0)::bigint"
        " from metadata.object_version where object_id = any(%s)",
        (object_ids,),
    ).fetchone()
    rejected, read = row or (0, 0)
    rule = model.quality.rejected_rows
    observed = f"{rejected} of {read} rows are in quarantine"
    passed = rule.limit.allows(rejected, read)
    return CheckResult("rows.rejected", rule.severity, passed, observed, None, rejected, str(rule.limit))


def _rejected_files(connection: Connection, model: Model, run_id: str) -> CheckResult:
    rejected = len(objects_of(connection, run_id, ["REJECTED"]))
    files = len(objects_of(connection, run_id, ["STAGED"])) + rejected
    rule = model.quality.rejected_files
    observed = f"{rejected} of {files} files were rejected"
    passed = rule.limit.allows(rejected, files)
    return CheckResult("files.rejected", rule.severity, passed, observed, None, rejected, str(rule.limit))


def _rows_reconcile(connection: Connection, object_ids: list[int]) -> CheckResult:
    """Rows read = loaded + unchanged + duplicate + quarantined, for each file, with quarantine itself counted."""
    wrong = connection.execute(read_sql("quality/unreconciled_rows.sql"), (object_ids,)).fetchall()
    observed = f"objects that do not add up: {[row[0] for row in wrong]}"
    return CheckResult("rows.accounted", "error", not wrong, observed, None, len(wrong), "0")


def _measures_reconcile(connection: Connection, object_ids: list[int]) -> CheckResult:
    wrong = unreconciled(connection, object_ids)
    observed = f"sums that differ on the way: {wrong}"
    return CheckResult("measures.reconciled", "error", not wrong, observed, None, len(wrong), "0")

"""The snapshot guard: a complete list from which too many keys are missing is stopped before the vault believes it."""

from collections.abc import Iterator

from psycopg import sql

from functions.common.database import Connection
from functions.model.declaration import Model
from functions.model.row_expressions import staged_parent_key
from functions.quality.results import CheckResult

# Of several at one instant (a file and its replacement) the last one says how things are.
_STAGED_SNAPSHOTS = """select distinct on (source, effective_at) object_id, object_key, source, effective_at
from metadata.object_version
where object_id = any(%s)
    and is_snapshot
order by source, effective_at, object_key desc, uploaded_at desc, object_id desc"""

# The keys that are there at the snapshot's instant, and how many of them the file does not name. A key's last status up
# to then says whether it is deleted already; none: it is not.
_VANISHING = """with alive as materialized (
    select distinct {key} from {satellite} where effective_at <= %(effective_at)s
    except
    select {key}
    from (
        select distinct on (s.{key}) s.{key}, s.is_deleted
        from {status} as s
        join metadata.object_version as o on o.object_id = s.record_source
        where s.effective_at <= %(effective_at)s
        order by
            s.{key}, s.effective_at desc, o.object_key desc, o.uploaded_at desc, o.object_id desc, s.record_row desc
    ) as last
    where is_deleted
)
select count(*) filter (
    where not exists (select from {staging} as n where n.object_id = %(object_id)s and n.{staged} = alive.{key})
), count(*)
from alive"""


def check_snapshots(
    connection: Connection, model: Model, object_ids: list[int], *, accept_deletions: bool
) -> Iterator[CheckResult]:
    """One result for each source with staged snapshots: the file that would mark the most keys deleted.

    Each file is held against the vault as it is before this run. With `accept_deletions` any number passes, and the
    result says so.
    """
    rule = model.quality.snapshot
    found: dict[str, list[tuple[bool, int, int, str]]] = {}
    for object_id, key, source, effective_at in connection.execute(_STAGED_SNAPSHOTS, (object_ids,)).fetchall():
        for statement in _render(model, source):
            row = connection.execute(statement, {"object_id": object_id, "effective_at": effective_at}).fetchone()
            missing, alive = row or (0, 0)
            passed = missing <= rule.at_least or rule.limit.allows(missing, alive)
            found.setdefault(source, []).append((not passed, missing, alive, key))
    for source, files in found.items():
        too_many, missing, alive, key = max(files)
        observed = f"{key} would mark {missing} of {alive} keys deleted"
        if too_many and accept_deletions:
            observed += ", which was accepted"
        elif too_many:
            observed += (
                f", more than {rule.limit}: delete or replace it, or say that it is right (c360 run --accept-deletions)"
            )
        yield CheckResult(
            f"{source}.snapshot",
            rule.severity,
            accept_deletions or not too_many,
            observed,
            source,
            missing,
            f"{rule.limit}, at least {rule.at_least}",
        )


def _render(model: Model, source: str) -> Iterator[sql.Composed]:
    """The question of a source's snapshots, for each satellite that tracks the status of its keys."""
    for status, satellite in model.satellites.items():
        if satellite.source == source and satellite.status_of is not None:
            yield sql.SQL(_VANISHING).format(
                key=sql.Identifier(model.hash_key(satellite.parent)),
                satellite=sql.Identifier("raw_vault", satellite.status_of),
                status=sql.Identifier("raw_vault", status),
                staging=sql.Identifier("staging", source),
                staged=sql.Identifier(staged_parent_key(model, satellite.parent)),
            )

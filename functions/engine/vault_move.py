"""An existing vault carried from one engine to the other, between two nights (docs/adr/0033-moving-between-engines.md).

A move is a run of the load's state machine, so no other one is active meanwhile, and a failed one is recorded and
alerts. To Spark, the rows of PostgreSQL's tables are written piece by piece, as their texts; Spark fills its tables
with them. Back, nothing need be carried: PostgreSQL has served a copy all the time. Both ways both engines add up every
table of theirs, and only where all is equal the ledger says, in one transaction, which engine keeps the vault from then
on.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import DataError
from functions.common.ledger import active_run, lock
from functions.common.sql_files import read_sql
from functions.common.vault_engine import Engine, record_engine, recorded_engine
from functions.engine.figures import Figures, columns_of, figures, measures_of, texts
from functions.engine.json_rows import write_json_rows
from functions.engine.stored_job import RESULT_FILE, Folder
from functions.engine.vault_job import JOB_FILE, LedgerMovedError, recorded_snapshots
from functions.load.plan.plan import ABANDONED_AFTER, LISTED_AFTER
from functions.load.time_left import SecondsLeft, for_ever
from functions.model.declaration import Model
from functions.model.render.spark.ddl import NAMESPACE, render_zero_key, tables
from functions.model.render.spark.names import TRACKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KIND = "move"
PIECE_BYTES = 256 << 20
"""Of a table's pages: what one piece carries. Its rows are some three times as long as texts."""
RESERVE_SECONDS = 300
"""Left of a function's time, no piece is begun."""

# what stands in the tables of a vault, in pieces: a table that is not partitioned is its own only leaf
_LEAVES = """select c.relname, pg_relation_size(c.oid) / current_setting('block_size')::bigint,
    coalesce(pg_get_partition_constraintdef(c.oid), 'true')
from pg_catalog.pg_class as c
left join pg_catalog.pg_inherits as i on i.inhrelid = c.oid
where c.relkind = 'r' and {table}::regclass in (c.oid, i.inhparent)
order by c.relname"""


class VaultInUseError(DataError):
    """A load is under way, so its vault cannot be moved."""


class VaultDiffersError(DataError):
    """The two engines do not hold the same rows; nothing was switched."""


@dataclass(frozen=True)
class MoveRequest:
    """`engine`: which one is to keep the vault. `running`: the executions that Step Functions lists as running."""

    run_id: str
    execution_arn: str
    started_at: datetime
    engine: Engine
    running: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Piece:
    """Pages of a table, or of one of its partitions, from the first one up to another; None: to the end.

    `bounds`: the partition's condition, by which PostgreSQL reads no other one; the loader may read the whole only.
    """

    table: str
    leaf: str
    bounds: str
    first_page: int
    end_page: int | None

    @property
    def name(self) -> str:
        return f"{self.leaf}.{self.first_page}"

    def rows(self, since: datetime | None) -> sql.Composed:
        """Its rows, but for a zero key, which each engine has by itself; from an effective instant on."""
        condition = sql.SQL("tableoid = {}::regclass and {} and ctid >= {}::tid").format(
            sql.Literal(f"raw_vault.{self.leaf}"),
            sql.SQL(self.bounds),
            sql.Literal(f"({self.first_page},0)"),
        )
        if self.end_page is not None:
            condition += sql.SQL(" and ctid < {}::tid").format(sql.Literal(f"({self.end_page},0)"))
        if since is not None:
            condition += sql.SQL(" and effective_at >= {}").format(sql.Literal(since))
        return sql.SQL("{} where record_source > 0 and {}").format(sql.Identifier("raw_vault", self.table), condition)


def begin_move(connection: Connection, request: MoveRequest) -> bool:
    """Register the move as the run that is active; again: nothing more. In one transaction of the caller's.

    False: nothing is to be moved, since the engine keeps the vault already, or nothing was ever loaded.
    Raises VaultInUseError while another run is active, and RunNotActiveError when this one has ended.
    """
    lock(connection, "plan")
    if recorded_engine(connection) in (None, request.engine):
        return False
    parameters = {
        "run_id": request.run_id,
        "running": None if request.running is None else list(request.running),
        "abandoned_after": ABANDONED_AFTER,
        "listed_after": LISTED_AFTER,
    }
    connection.execute(read_sql("load/record_vanished_runs.sql"), parameters)
    other = connection.execute(
        "select run_id from metadata.load_run where status = 'RUNNING' and run_id <> %s limit 1", (request.run_id,)
    ).fetchone()
    if other is not None:
        raise VaultInUseError("a run is active: wait for its end, then migrate again", run_id=other[0])
    connection.execute(
        read_sql("load/register_run.sql"), (request.run_id, request.execution_arn, request.started_at, False, [])
    )
    active_run(connection, request.run_id)
    return True


def write_move(
    connection: Connection,
    model: Model,
    s3: "S3Client",
    uri: str,
    request: MoveRequest,
    seconds_left: SecondsLeft = for_ever,
) -> bool:
    """Write the job of a move that has begun to `uri`, piece by piece; whether it is whole. In a transaction of the
    caller's.

    It goes on where another call of it has ended, and begins no piece with less than RESERVE_SECONDS left but the
    first. Raises RunNotActiveError, LedgerMovedError, UnknownTypeError and LakeUnavailableError.
    """
    folder = Folder(s3, uri)
    there = set(folder.names())
    if JOB_FILE in there:
        return True
    active_run(connection, request.run_id)
    horizon = _horizon(connection)
    is_first = True
    described = []
    recorded = recorded_snapshots(connection)
    statements = dict(tables(model))
    for table, columns in ((name, columns_of(connection, name)) for name in statements):
        measures = measures_of(columns, _declared(model, table))
        since = horizon if table == TRACKING else None
        total, files = Figures(sums=dict.fromkeys(measures, 0)), []
        for piece in _pieces(connection, table):
            if f"{piece.name}.figures" not in there:
                if not is_first and seconds_left() < RESERVE_SECONDS:
                    return False
                is_first = False
                _write_piece(connection, folder, piece, columns, measures, since, is_carried=request.engine == "spark")
            total += Figures.of(folder.read(f"{piece.name}.figures"))
            files.append(f"{piece.name}.rows")
        if total.rows != _count(connection, table, since):
            raise LedgerMovedError("rows came to the table while it was read: migrate again", table=table)
        described.append(
            {
                "name": table,
                "statement": statements[table],
                "first_rows": render_zero_key(model, table) if table in model.hubs else None,
                "columns": sorted(columns),
                "measures": measures,
                "since": None if since is None else int(since.timestamp() * 1_000_000),
                "snapshot": recorded.get(table),
                "files": files if request.engine == "spark" else [],
                "figures": asdict(total),
            }
        )
    job = {
        "kind": KIND,
        "run_id": request.run_id,
        "engine": request.engine,
        "namespace": NAMESPACE,
        "tables": described,
    }
    folder.write(JOB_FILE, job)
    return True


def record_move(connection: Connection, s3: "S3Client", uri: str, run_id: str) -> dict[str, Any]:
    """Compare what both engines have, and switch; the engine, and each table's rows. In a transaction of its own.

    Again: changes nothing, and returns the same. Raises VaultDiffersError, which names the tables, and LedgerMovedError
    when something was loaded since the move began; RunNotActiveError. Then nothing is switched.
    """
    folder = Folder(s3, uri)
    job, result = folder.read(JOB_FILE), folder.read(RESULT_FILE)
    differing = {each["name"]: found for each in job["tables"] if (found := _differences(each, result["tables"]))}
    if differing:
        said = "; ".join(f"{table}: {', '.join(found)}" for table, found in differing.items())
        raise VaultDiffersError(f"PostgreSQL and Spark differ, so nothing was switched: {said}", run_id=run_id)
    moved = {
        "engine": job["engine"],
        "is_moved": True,
        "tables": [
            {
                "table": each["name"],
                "rows": each["figures"]["rows"],
                "snapshot_id": result["tables"].get(each["name"], {}).get("snapshot"),
            }
            for each in job["tables"]
        ],
    }
    with connection.transaction():
        lock(connection, "plan")
        if _is_switched(connection, run_id, job["engine"]):
            return moved
        active_run(connection, run_id)
        _check_nothing_loaded(connection, run_id, job)
        if job["engine"] == "spark":
            for name, done in result["tables"].items():
                connection.execute(
                    "insert into metadata.vault_snapshot (vault_table, snapshot_id, run_id) values (%s, %s, %s)",
                    (name, done["snapshot"], run_id),
                )
        record_engine(connection, job["engine"])
        connection.execute(
            "update metadata.load_run set status = 'SUCCEEDED', finished_at = clock_timestamp() where run_id = %s",
            (run_id,),
        )
    return moved


def _differences(described: dict[str, Any], found: dict[str, Any]) -> list[str]:
    theirs = found.get(described["name"])
    # a table that Spark has never written holds nothing
    return Figures.of(described["figures"]).differences(Figures.of(theirs["figures"]) if theirs else Figures())


def _is_switched(connection: Connection, run_id: str, engine: Engine) -> bool:
    row = connection.execute("select status from metadata.load_run where run_id = %s", (run_id,)).fetchone()
    return row == ("SUCCEEDED",) and recorded_engine(connection) == engine


def _check_nothing_loaded(connection: Connection, run_id: str, job: dict[str, Any]) -> None:
    """With the lock that each run's plan takes, so none begins before the switch is committed."""
    others = connection.execute(
        "select o.run_id from metadata.load_run as o join metadata.load_run as r on r.run_id = %s"
        " where o.run_id <> r.run_id and (o.status = 'RUNNING' or o.loaded_at > r.loaded_at)",
        (run_id,),
    ).fetchall()
    recorded = recorded_snapshots(connection)
    if others or any(recorded.get(each["name"]) != each["snapshot"] for each in job["tables"]):
        raise LedgerMovedError(
            "a run has begun since the move did, so nothing was switched: migrate again", run_id=run_id
        )


def _horizon(connection: Connection) -> datetime | None:
    """PostgreSQL forgets what is remembered of unchanged rows before this instant; Spark does not."""
    row = connection.execute("select max(horizon) from metadata.tracking_horizon").fetchone()
    return row[0] if row else None


def _declared(model: Model, table: str) -> set[str]:
    """The columns that the model has declared of a table."""
    if table in model.satellites:
        return set(model.satellites[table].columns)
    link = model.links.get(table)
    return set() if link is None or link.dependent_child_key is None else {link.dependent_child_key}


def _pieces(connection: Connection, table: str) -> Iterator[Piece]:
    """Nothing is written to the tables meanwhile, so each call of a move finds the same ones."""
    leaves = connection.execute(sql.SQL(_LEAVES).format(table=sql.Literal(f"raw_vault.{table}"))).fetchall()
    block = connection.execute("select current_setting('block_size')::bigint").fetchone()
    step = PIECE_BYTES // (block[0] if block else 8192)
    for leaf, pages, bounds in leaves:
        for first in range(0, pages, step):
            yield Piece(table, leaf, bounds, first, first + step if first + step < pages else None)


def _count(connection: Connection, table: str, since: datetime | None) -> int:
    """Of the whole table, however it lies on the disk."""
    counted = sql.SQL("select count(*) from {} where record_source > 0").format(sql.Identifier("raw_vault", table))
    if since is not None:
        counted += sql.SQL(" and effective_at >= {}").format(sql.Literal(since))
    [(count,)] = connection.execute(counted).fetchall()
    return int(count)


def _write_piece(
    connection: Connection,
    folder: Folder,
    piece: Piece,
    columns: dict[str, str],
    measures: list[str],
    since: datetime | None,
    *,
    is_carried: bool,
) -> None:
    """Its rows, then what they add up to: where that is, the rows are whole."""
    if is_carried:
        query = sql.SQL("select {} from {}").format(texts(columns), piece.rows(None))
        with tempfile.TemporaryDirectory(prefix="piece-") as scratch:
            path = Path(scratch) / "rows"
            write_json_rows(connection, query, path)
            folder.upload(f"{piece.name}.rows", path)
    folder.write(f"{piece.name}.figures", asdict(figures(connection, columns, measures, piece.rows(since))))

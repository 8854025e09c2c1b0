"""Nights whose vault is Iceberg tables, and what stands in a vault, of either engine, in comparable form."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from psycopg.pq import TransactionStatus

from functions.common import environment
from functions.common.settings import DatabaseSettings
from functions.engine import handler, spark_job_file
from functions.engine.vault_job import JOB_FILE, record_job, write_job
from functions.model.declaration import Model
from local.spark.jobs import do_stored_job
from local.spark.spark import JavaError, Spark, java_version
from tests.support.lambda_context import handler_signed_in, lambda_context
from tests.support.night import Night, role_url
from tests.support.warm_night import WarmNight

WORKER = Path(__file__).parent / "spark_worker.py"
READER = Path(__file__).parent / "iceberg_reader.py"
WAREHOUSE = "warehouse"
TRACKING = "record_tracking_satellite"

type Contents = dict[str, list[str]]
"""Table -> its rows in order, each as JSON, without when they were loaded, files by their version in S3."""

# nothing here is worth more than one task, nor compiling a query for
QUICK = {
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.shuffle.compress": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def why_spark_cannot_run() -> str | None:
    """What this machine lacks; None if nothing."""
    try:
        java_version()
    except JavaError as error:
        return str(error)
    if not Spark(Path(), Path()).is_installed():
        return "Spark is not installed here: c360 engine install installs it"
    return None


class Worker:
    """Spark's process, which answers one request after another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, request: dict[str, Any]) -> Any:
        """The answer; raises RuntimeError with what went wrong in Spark."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        while line and not line.startswith("{"):  # a warning of the JVM's, which begins with [
            line = self._process.stdout.readline()
        reply = json.loads(line) if line else {"error": "Spark's process has ended"}
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["answer"]


@contextmanager
def running_worker(folder: Path) -> Iterator[Worker]:
    """A Spark whose tables, jobs and log are below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "spark.log"
    spark = Spark(folder / "warehouse", log, cores="2", memory="1g")
    # spark-submit would keep the process's input to itself
    options = {"PYSPARK_SUBMIT_ARGS": shlex.join([*spark.options(QUICK), "pyspark-shell"])}
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [spark.environment / "bin" / "python", "-P", WORKER, spark_job_file()],
            env=spark.process_environment() | options,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = process.stdout.readline()
        if ready != "ready\n":
            raise RuntimeError(f"Spark did not start: {ready}{log.read_text()[-2000:]}")
        yield Worker(process)
        process.stdin.close()


@dataclass
class SparkNight(WarmNight):
    """A night that stages into PostgreSQL and loads into Iceberg tables."""

    worker: Worker | None = None
    folder: Path = Path()
    lost: int = 0
    """How many times what Spark has done is lost before it is recorded, and done again."""

    def load_vault(self, run_id: str) -> dict[str, int]:
        """What the ledger leaves to do, as one job; new rows by table."""
        if self.lost:
            self.lost -= 1
            self.work(run_id)
        result = self.work(run_id)
        if result is None:
            return {}
        with self.connect() as connection:
            return record_job(connection, self.model, run_id, result)

    def work(self, run_id: str) -> dict[str, Any] | None:
        """Have Spark do what the ledger leaves to do, and record nothing. Spark's answer; None if there is nothing."""
        assert self.worker is not None
        folder = self.folder / run_id
        shutil.rmtree(folder, ignore_errors=True)
        with self.connect() as connection:
            if not write_job(connection, self.model, run_id, folder):
                return None
        answer: dict[str, Any] = self.worker.ask({"job": str(folder / JOB_FILE)})
        return answer

    def publish(self, run_id: str, at: datetime | None = None) -> dict[str, int]:
        """Nothing: PostgreSQL's marts are not made of these tables yet."""
        del run_id, at
        return {}

    def check(self, run_id: str, stage_name: str) -> None:
        """The checks of staging, which is PostgreSQL's."""
        if stage_name == "staging":
            super().check(run_id, stage_name)

    def contents(self) -> Contents:
        """What stands in the tables, as of the snapshots that the ledger names."""
        assert self.worker is not None
        found = self.worker.ask({"dump": self._recorded()})
        versions = _versions(self)
        return {table: _in_order(found.get(table, []), versions) for table in tables(self.model)}

    def contents_by_another_reader(self) -> Contents:
        """The same, read without Spark."""
        asked = {"warehouse": str(self.folder.parent / "warehouse"), "tables": self._recorded()}
        spark = Spark(Path(), Path())
        done = subprocess.run(
            [spark.environment / "bin" / "python", "-P", READER, json.dumps(asked)],
            env=spark.process_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        versions = _versions(self)
        return {table: _in_order(found.get(table, []), versions) for table in tables(self.model)}

    def _recorded(self) -> dict[str, int]:
        return dict(
            self.rows(
                "select distinct on (vault_table) vault_table, snapshot_id from metadata.vault_snapshot"
                " order by vault_table, place desc"
            )
        )


@dataclass
class ServedNight(SparkNight):
    """A night by the engine's own function and a Spark as `c360 up --engine spark` has it: jobs lie in S3, and what is
    appended is served by PostgreSQL."""

    def work(self, run_id: str) -> dict[str, Any] | None:
        """Have Spark do what the ledger leaves to do; the answer of the function that wrote the job."""
        written = self.ask({"step": "write_job", "run_id": run_id})
        if not written["is_needed"]:
            return None
        self.do(written["job"])
        return written

    def load_vault(self, run_id: str) -> dict[str, int]:
        if self.lost:
            self.lost -= 1
            self.work(run_id)
        written = self.work(run_id)
        return {} if written is None else self.record(run_id, written["job"])

    def record(self, run_id: str, job: str) -> dict[str, int]:
        """Have the function record a job that Spark has done; new rows by table."""
        rows: dict[str, int] = self.ask({"step": "record_job", "run_id": run_id, "job": job})["rows"]
        return rows

    def ask(self, event: dict[str, Any]) -> dict[str, Any]:
        """The answer of the engine's function, which leaves no transaction open on its connection."""
        with self._function():
            answer = handler.handle(event, lambda_context())
            with environment.connections.session(environment.settings(DatabaseSettings)) as connection:
                assert connection.info.transaction_status is TransactionStatus.IDLE, "nothing that comes would be kept"
            return answer

    def do(self, job: str) -> None:
        """Have Spark do the job at this address."""
        assert self.worker is not None
        worker = self.worker
        do_stored_job(self.s3, job, self.folder / "stored", lambda folder: worker.ask({"folder": str(folder)}))

    def write_move(self, engine: str, run_id: str, running: tuple[str, ...] | None = None) -> dict[str, Any]:
        """Begin to move the vault; the function's answer."""
        started = datetime.now(UTC).isoformat()
        event = {"execution_arn": "arn:aws:states:test", "started_at": started, "move_to": engine, "running": running}
        return self.ask({"step": "write_move", "run_id": run_id, **event})

    def move(self, engine: str, run_id: str) -> dict[str, Any]:
        """Move the vault to an engine; what was recorded."""
        written = self.write_move(engine, run_id)
        assert written["is_needed"]
        assert written["is_done"]
        self.do(written["job"])
        return self.ask({"step": "record_move", "run_id": run_id, "job": written["job"]})

    def publish(self, run_id: str, at: datetime | None = None) -> dict[str, int]:
        return Night.publish(self, run_id, at)

    def check(self, run_id: str, stage_name: str) -> None:
        Night.check(self, run_id, stage_name)

    @contextmanager
    def _function(self) -> Iterator[None]:
        if not any(bucket["Name"] == WAREHOUSE for bucket in self.s3.list_buckets()["Buckets"]):
            self.s3.create_bucket(Bucket=WAREHOUSE)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WAREHOUSE_BUCKET", WAREHOUSE)
            patch.setattr(environment, "s3", lambda: self.s3)
            patch.setattr(handler, "load_model", lambda: self.model)
            with handler_signed_in(role_url(self.admin_url, "c360_loader"), patch):
                yield


# Python's instants begin later than both engines'
_INSTANT = {"timestamp with time zone"}
_MICROSECONDS = "(extract(epoch from {}) * 1000000)::bigint"


def tables(model: Model) -> list[str]:
    """The tables of the raw vault that a load writes."""
    return [*model.hubs, *model.links, *model.satellites, TRACKING]


def contents_in_postgresql(night: Night) -> Contents:
    """What stands in the same tables of PostgreSQL."""
    versions = _versions(night)
    found = {}
    for table in tables(night.model):
        columns = dict(
            night.rows(
                "select attname, atttypid::regtype::text from pg_attribute where attnum > 0 and not attisdropped"
                f" and attrelid = 'raw_vault.{table}'::regclass"
            )
        )
        values = [_MICROSECONDS.format(name) if kind in _INSTANT else name for name, kind in columns.items()]
        rows = night.rows(f"select {', '.join(values)} from raw_vault.{table} where record_source > 0")
        found[table] = _in_order([dict(zip(columns, map(_shown, row), strict=True)) for row in rows], versions)
    return found


def _versions(night: Night) -> dict[int, str]:
    return dict(night.rows("select object_id, object_key || ' ' || version_id from metadata.object_version"))


def _in_order(rows: list[dict[str, Any]], versions: dict[int, str]) -> list[str]:
    kept = []
    for row in rows:
        if row["record_source"] > 0:  # not the zero key
            row["record_source"] = versions[row["record_source"]]
            del row["loaded_at"]
            kept.append(json.dumps(row, sort_keys=True))
    return sorted(kept)


def _shown(value: Any) -> Any:
    """A value as JSON, the same as tests/support/spark_worker.py writes Spark's."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.isoformat()

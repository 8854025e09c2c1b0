"""Nights of the comparison: staged into PostgreSQL, the vault there or, by Spark, in Iceberg tables on this disk."""

import shutil
from pathlib import Path

from benchmarks.engine.cpu import cpu_counted
from benchmarks.load.ours import OurLoad
from benchmarks.load.result import Clock
from functions.engine.vault_job import JOB_FILE, record_job, write_job
from local.servers.postgres import PostgresServer
from local.spark.spark import Spark


class PostgresLoad(OurLoad):
    """The same night with the vault in PostgreSQL; `server` is its database's."""

    def __init__(self, url: str, server: PostgresServer) -> None:
        super().__init__(url)
        self.server = server

    def load_vault(self, run_id: str, clock: Clock) -> None:
        """Staged rows to hubs, links and satellites."""
        with cpu_counted(self.server, clock):
            super().load_vault(run_id, clock)


class SparkLoad(OurLoad):
    """A migrated database at `url` that holds the ledger; tables, jobs and Spark's log are below `folder`."""

    name = "spark"

    def __init__(self, url: str, server: PostgresServer, folder: Path, memory: str) -> None:
        super().__init__(url)
        self.server = server
        self.folder = folder
        self._spark = Spark(folder / "warehouse", folder / "spark.log", memory=memory)

    def load_vault(self, run_id: str, clock: Clock) -> None:
        """Staged rows to hubs, links and satellites."""
        with cpu_counted(self.server, clock):
            self._load_vault(run_id, clock)

    def _load_vault(self, run_id: str, clock: Clock) -> None:
        job = self.folder / run_id
        with self.step() as connection:
            assert write_job(connection, self.model, run_id, job)
        clock.lap("rows to Spark")
        result = self._spark.run(job / JOB_FILE)
        clock.lap("Spark")
        for step, done in result["steps"].items():
            clock.beside[step] = done["seconds"]
        with self.step() as connection:
            record_job(connection, self.model, run_id, result)
        clock.lap("ledger")
        shutil.rmtree(job)

    def publish(self, run_id: str, clock: Clock) -> None:
        """Nothing: the marts are not made of these tables yet."""

    def bytes(self) -> int:
        """What the tables take on disk, all their snapshots together."""
        return sum(file.stat().st_size for file in (self.folder / "warehouse").rglob("*") if file.is_file())

"""A night without Step Functions: the same steps, in the same order, each on a connection of its own."""

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import psycopg
from moto import mock_aws
from psycopg.conninfo import make_conninfo

from functions.common.database import Connection, connect
from functions.common.settings import DatabaseSettings
from functions.load.check_vault import check_in_units
from functions.load.judge import judge_files
from functions.load.marts.publish import publish
from functions.load.plan.finish import Report, finish
from functions.load.plan.plan import RunRequest, plan
from functions.load.retraction import are_retractions_due
from functions.load.schema.migrate import ROLES, migrate
from functions.load.staging.stage import stage
from functions.load.time_left import SecondsLeft, for_ever
from functions.load.vault.hubs import load_hubs
from functions.load.vault.links import load_links
from functions.load.vault.satellites import load_satellites
from functions.load.vault.table_load import Loaded
from functions.model.declaration import Model
from functions.model.reading import load_model
from functions.quality.checks import CheckResult, check_staging, enforce
from functions.quality.file_outcome import check_outcomes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "landing-zone"
ROLE_PASSWORD = "role-password"


def prepare(admin_url: str) -> None:
    """Migrate the database; every role signs in with ROLE_PASSWORD."""
    with psycopg.connect(admin_url) as connection:
        migrate(connection, dict.fromkeys(ROLES, ROLE_PASSWORD))


def role_url(admin_url: str, role: str) -> str:
    """The database's address for one of its roles; a session may write, which the API's may not by default."""
    writing = "-c default_transaction_read_only=off"
    return make_conninfo(admin_url, user=role, password=ROLE_PASSWORD, options=writing)


@dataclass
class Night:
    """Runs over the landing zone `s3` into the database `admin_url`, as the role c360_loader."""

    admin_url: str
    s3: "S3Client"
    model: Model = field(default_factory=load_model)
    seconds_left: SecondsLeft = for_ever
    at_once: int = 3  # of hubs, links and satellites

    def connect(self) -> Connection:
        """A connection of the loader."""
        return connect(DatabaseSettings.model_validate({"database_url": role_url(self.admin_url, "c360_loader")}))

    def drop(self, key: str, content: str | bytes) -> None:
        """Put an object below landing/."""
        body = content.encode() if isinstance(content, str) else content
        self.s3.put_object(Bucket=BUCKET, Key=f"landing/{key}", Body=body)

    def remove(self, key: str) -> None:
        """Delete an object below landing/; the bucket keeps its versions."""
        self.s3.delete_object(Bucket=BUCKET, Key=f"landing/{key}")

    def plan(self, run_id: str | None = None, files: tuple[str, ...] = (), **more: Any) -> tuple[str, list[int]]:
        """Start a run; its id and the objects it is to load. `more`: other fields of its request."""
        run_id = run_id or f"run-{uuid.uuid4().hex[:8]}"
        request = RunRequest(run_id, "arn:aws:states:test", datetime.now(UTC), files, **more)
        with self.connect() as connection:
            return request.run_id, plan(connection, self.s3, BUCKET, self.model, request)

    def fail(self, run_id: str) -> None:
        """Record that the run failed, as the rule on ended executions does."""
        with psycopg.connect(self.admin_url) as connection:
            connection.execute("update metadata.load_run set status = 'FAILED' where run_id = %s", (run_id,))

    def stage(self, run_id: str, object_ids: list[int]) -> list[str]:
        """Stage objects; their statuses."""
        statuses = []
        for object_id in object_ids:
            with self.connect() as connection:
                statuses.append(stage(connection, self.s3, self.model, run_id, object_id))
        return statuses

    def are_retractions_due(self, run_id: str) -> bool:
        """Whether the vault has something to do in a night without files."""
        with self.connect() as connection:
            return are_retractions_due(connection, run_id)

    def load_vault(self, run_id: str) -> dict[str, int]:
        """Hubs, links and satellites (`at_once`), each called until it is done; new rows by table."""
        inserted = Counter[str]()

        def load(step: Callable[[Connection, Model, str, SecondsLeft], Loaded]) -> None:
            is_done = False
            while not is_done:
                with self.connect() as connection:
                    loaded = step(connection, self.model, run_id, self.seconds_left)
                is_done = loaded.is_done
                inserted.update(loaded.rows)

        with ThreadPoolExecutor(self.at_once) as pool:
            list(pool.map(load, (load_hubs, load_links, load_satellites)))
        return dict(inserted)

    def check(self, run_id: str, stage_name: str) -> None:
        """Check staging or the vault; raises QualityError as the state machine would see it."""
        results: list[CheckResult] | None = None
        while results is None:
            with self.connect() as connection:
                if stage_name == "staging":
                    judge_files(connection, self.model, run_id)
                    results = check_staging(connection, self.model, run_id)
                else:
                    results = check_in_units(connection, self.model, run_id, self.seconds_left)
        enforce(results)

    def publish(self, run_id: str, at: datetime | None = None) -> dict[str, int]:
        """Publish the marts and follow the run's files to them; rows written by mart."""
        with self.connect() as connection:
            written = publish(connection, run_id, at)
            check_outcomes(connection, self.model, run_id)
            return written

    def finish(self, run_id: str) -> Report:
        """Finish the run; its report."""
        with self.connect() as connection:
            return finish(connection, run_id)

    def run(
        self, run_id: str | None = None, files: tuple[str, ...] = (), at: datetime | None = None, **more: Any
    ) -> Report:
        """A whole night, whose marts show what is in force `at` an instant (None: now); its report."""
        run_id, object_ids = self.plan(run_id, files, **more)
        if object_ids or self.are_retractions_due(run_id):
            self.stage(run_id, object_ids)
            self.check(run_id, "staging")
            self.load_vault(run_id)
        self.check(run_id, "vault")
        self.publish(run_id, at)
        return self.finish(run_id)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to a query, asked by the administrator."""
        with psycopg.connect(self.admin_url) as connection:
            return connection.execute(query.encode()).fetchall()


def load_nights(admin_url: str, nights: list[list[tuple[str, str]]]) -> None:
    """Migrate the database and load, night after night, files: pairs of key below landing/ and content."""
    # mocked while it loads only: other tests of the session have an S3 of their own
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        prepare(admin_url)
        for files in nights:
            loading = Night(admin_url, s3)
            for key, content in files:
                loading.drop(key, content)
            loading.run()

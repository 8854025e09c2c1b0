"""Our load without Step Functions and Lambda: the same functions in the same order, several at once as there."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.load.files import SOURCES, Files
from benchmarks.load.result import Clock, Result
from functions.common.database import Connection, connect
from functions.common.settings import DatabaseSettings, LandingSettings
from functions.load.marts.publish import publish
from functions.load.plan.finish import finish
from functions.load.plan.plan import RunRequest, plan
from functions.load.plan.split import large_objects, split, staging_items
from functions.load.schema.migrate import ROLES, migrate
from functions.load.staging.stage import stage
from functions.load.vault.hubs import load_hubs
from functions.load.vault.links import load_links
from functions.load.vault.satellites import load_satellites
from functions.model.reading import load_model
from functions.quality.checks import check_staging, check_vault, enforce

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BUCKET = "folder"
_PASSWORD = "loader"
_CONNECTIONS = 2
_SPLIT_BYTES: int = LandingSettings.model_fields["landing_split_bytes"].default


class OurLoad:
    """A migrated database at `url`, loaded as the role c360_loader."""

    name = "ours"
    orders = "select count(transaction_id) from raw_vault.hub_order"

    def __init__(self, url: str) -> None:
        self._url = url
        self.model = load_model()
        self._settings = DatabaseSettings.model_validate(
            {"database_url": make_conninfo(url, user="c360_loader", password=_PASSWORD)}
        )

    def prepare(self) -> None:
        """Migrate the database."""
        with psycopg.connect(self._url) as connection:
            migrate(connection, dict.fromkeys(ROLES, _PASSWORD))

    def load(self, files: Files, day: str) -> Result:
        """A whole night over the files, true from `day`."""
        s3 = cast("S3Client", _Folder(files, day))
        run_id = f"bench-{uuid.uuid4().hex[:8]}"
        clock = Clock(self._url)
        with self.step() as connection:
            plan(connection, s3, _BUCKET, self.model, RunRequest(run_id, run_id, datetime.now(UTC)))
        clock.lap("plan", beside=True)
        with self.step() as connection:
            for object_id in large_objects(connection, run_id, _SPLIT_BYTES):
                split(connection, s3, self.model, run_id, object_id, _SPLIT_BYTES)
            parts = staging_items(connection, run_id)
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            statuses = set(pool.map(lambda part: self._stage(s3, run_id, part), parts))
        assert not statuses & {"REJECTED", "REPEATED"}, statuses  # a file in parts is PLANNED until its last one
        clock.lap("stage")
        with self.step() as connection:
            enforce(check_staging(connection, self.model, run_id))
        clock.lap("check staging", beside=True)
        self.load_vault(run_id, clock)
        self.publish(run_id, clock)
        with self.step() as connection:
            read = finish(connection, run_id)["totals"]["rows_read"]
        assert read == files.rows, read
        clock.lap("finish", beside=True)
        return clock.result()

    def load_vault(self, run_id: str, clock: Clock) -> None:
        """Staged rows to hubs, links and satellites."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda load: self._load(load, run_id), (load_hubs, load_links, load_satellites)))
        clock.lap("vault")

    def publish(self, run_id: str, clock: Clock) -> None:
        """The vault to the marts."""
        with self.step() as connection:
            enforce(check_vault(connection, self.model, run_id))
        clock.lap("check vault", beside=True)
        with self.step() as connection:
            publish(connection, run_id)
        clock.lap("marts", beside=True)

    @contextmanager
    def step(self) -> Iterator[Connection]:
        """A connection of the loader."""
        with connect(self._settings) as connection:
            yield connection

    def _stage(self, s3: "S3Client", run_id: str, part: dict[str, int]) -> str:
        with self.step() as connection:
            return stage(connection, s3, self.model, run_id, part["object_id"], part["part"])

    def _load(self, load: Any, run_id: str) -> None:
        with self.step() as connection:
            load(connection, self.model, run_id)


class _Folder:
    """The files as a bucket: what the load asks of S3, answered from disk."""

    def __init__(self, files: Files, day: str) -> None:
        self._files = {f"landing/{source}/dt={day}/{source}.csv": files.path(source) for source in SOURCES}

    def get_paginator(self, _operation: str) -> "_Folder":
        return self

    def paginate(self, **_arguments: str) -> Iterator[dict[str, Any]]:
        now = datetime.now(UTC)
        yield {
            "Versions": [
                {
                    "Key": key,
                    "VersionId": "1",
                    "ETag": f'"{key}"',
                    "Size": path.stat().st_size,
                    "LastModified": now,
                    "IsLatest": True,
                }
                for key, path in self._files.items()
            ]
        }

    def get_object(self, **arguments: str) -> dict[str, Any]:
        path = self._files[arguments["Key"]]
        first, last = 0, path.stat().st_size - 1
        if "Range" in arguments:
            first, last = map(int, arguments["Range"].removeprefix("bytes=").split("-"))
        return {"Body": _Body(path, first, last + 1), "ContentLength": last + 1 - first}


class _Body:
    def __init__(self, path: Path, start: int, end: int) -> None:
        self._path, self._start, self._end = path, start, end

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        with self._path.open("rb") as stream:
            stream.seek(self._start)
            left = self._end - self._start
            while left and (chunk := stream.read(min(size, left))):
                left -= len(chunk)
                yield chunk

"""How records come into the chain: each at once, or, from a server that lives long, through a file.

Lambda's function commits each record before it answers. A server that answers many at once would be slowed down by
that; with a spool folder it writes the record to a file there before it answers, and a moment later commits what has
come together. The file outlives the process, however that ends, and the next one commits what is in it: a record comes
into the chain at least once (`request_id` identifies copies). Only a machine that loses its power may lose the last
moment's.
"""

import asyncio
import contextlib
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from functions.api.database import Database
from functions.audit.chain import MOST_RECORDS
from functions.common.errors import DatabaseUnavailableError, TransientError
from functions.common.logging import logger

FLUSH_SECONDS = 1.0
MOST_WAITING = 20_000
"""Records in a spool that the database does not take; then nothing more is answered."""


class AuditTrail(Protocol):
    """Where records go."""

    async def record(self, content: str) -> None:
        """Keep a record, a JSON object, and return when it is safe. Raises what kept it from being so."""


def audit_trail(database: Database, spool: Path | None) -> AuditTrail:
    """The trail of a process: through files of the folder `spool`, if there is one."""
    return CommittedTrail(database) if spool is None else SpooledTrail(database, spool)


class CommittedTrail:
    """Commits a record before it is safe, those of all requests that wait at once in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def record(self, content: str) -> None:
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((content, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await written

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_RECORDS], self._waiting[MOST_RECORDS:]
            failure: Exception | None = None
            try:
                await self._database.append_audit(f"[{','.join(content for content, _ in batch)}]")
            except Exception as error:  # noqa: BLE001 - whoever waits gets it, whatever it is
                failure = error
            for _, written in batch:
                if written.done():  # the caller has gone
                    continue
                if failure is None:
                    written.set_result(None)
                else:
                    written.set_exception(failure)


class SpooledTrail:
    """Writes a record to a file of `folder` before it is safe, and commits files one after another."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._lines: list[str] = []
        self._file: _SpoolFile | None = None
        self._flushing: asyncio.Task[None] | None = None

    async def record(self, content: str) -> None:
        if len(self._lines) >= MOST_WAITING:  # while the database takes none
            raise DatabaseUnavailableError("the audit trail's spool is full")
        if self._file is None:
            self._file = _new_file(self._folder)
        self._file.add(f"{content}\n")
        self._lines.append(content)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        for path in self._folder.glob("*.jsonl"):
            await self._take_over(path)
        while self._lines:
            await asyncio.sleep(FLUSH_SECONDS)
            filled, lines = self._file, self._lines
            self._file, self._lines = None, []
            while not await self._commit(lines):
                await asyncio.sleep(1)
            if filled is not None:
                filled.remove()

    async def _take_over(self, path: Path) -> None:
        """Commit the file of a process that has ended."""
        with contextlib.suppress(OSError), path.open("rb") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)  # that of one that lives is locked
            lines = left.read().decode().splitlines()
            if await self._commit([line for line in lines if line.endswith("}")]):
                path.unlink(missing_ok=True)

    async def _commit(self, lines: list[str]) -> bool:
        try:
            for start in range(0, len(lines), MOST_RECORDS):
                await self._database.append_audit(f"[{','.join(lines[start : start + MOST_RECORDS])}]")
        except TransientError as error:
            logger.warning("the audit trail waits in its spool", error=str(error), records=len(lines))
            return False
        return True


@dataclass(frozen=True)
class _SpoolFile:
    path: Path
    descriptor: int

    def add(self, text: str) -> None:
        """Write to it; what is written outlives the process."""
        os.write(self.descriptor, text.encode())

    def remove(self) -> None:
        """What it holds is in the chain."""
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


def _new_file(folder: Path) -> _SpoolFile:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{uuid4().hex}.jsonl"
    file = _SpoolFile(path, os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600))
    fcntl.flock(file.descriptor, fcntl.LOCK_EX)
    return file

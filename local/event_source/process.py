"""The event source poller as a part of the platform: started with a deployment's mapping, looked at, stopped."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from local import processes
from local.deployment.access_key import SHARED, AccessKey
from local.errors import LocalError
from local.event_source.mapping import EventSourceMapping
from local.paths import REPOSITORY
from local.servers.broker import create_topic

_PASSED_ON = ("PATH", "HOME", "LANG")
_STALE_SECONDS = 10


class EventSourceProcess:
    """One poller with its files in `folder`."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self.log = log

    def process(self) -> processes.ProcessIdentity | None:
        """Its process, which an earlier command may have started; None when it does not run."""
        return processes.noted(self.folder / "process.json")

    def status(self) -> dict[str, Any] | None:
        """Its last report, partitions and lag, if it is a few seconds old at most; else None."""
        try:
            report: dict[str, Any] = json.loads((self.folder / "status.json").read_bytes())
        except (OSError, ValueError):
            return None
        return report if time.time() - report["at"] < _STALE_SECONDS else None

    def serves(self, mapping: str) -> bool:
        """Whether it works, started for just this mapping."""
        try:
            started_for = (self.folder / "mapping.json").read_text()
        except OSError:
            return False
        return self.process() is not None and self.status() is not None and started_for == mapping

    def start(
        self, endpoint: str, mapping: str, key: AccessKey = SHARED, *, from_start: bool = False, timeout: float = 30
    ) -> None:
        """Make the mapping's topic unless it is there, start, and return when partitions are assigned.

        It is also taken for started when it works but has no partitions yet after `timeout` seconds.

        `mapping` is the JSON of the stack's output EventSourceMapping. Raises `LocalError`.
        """
        parsed = EventSourceMapping.model_validate_json(mapping)
        create_topic(parsed.bootstrap_servers, parsed.topic, parsed.partitions)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "status.json").unlink(missing_ok=True)
        (self.folder / "mapping.json").write_text(mapping)
        process = processes.start(
            [
                *[sys.executable, "-m", "local.event_source.poller", "--endpoint", endpoint],
                *["--mapping", str(self.folder / "mapping.json"), "--status", str(self.folder / "status.json")],
                *(["--from-start"] if from_start else []),
            ],
            log=self.log,
            environment={
                **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                **key.environment,
            },
            folder=REPOSITORY,
            note=self.folder / "process.json",
        )
        if processes.wait_until(lambda: bool((self.status() or {}).get("partitions")), process, timeout):
            return
        if self.status():
            return
        self.stop()
        raise LocalError(f"The event source poller did not start; see {self.log}.", processes.tail(self.log))

    def stop(self) -> None:
        """Stop it if it runs, after the invocations under way."""
        processes.stop(self.process(), grace=10)
        (self.folder / "process.json").unlink(missing_ok=True)

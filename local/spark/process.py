"""Spark's worker as a part of the platform: started for a deployment's activity, looked at, stopped."""

import os
import sys
from pathlib import Path

from local import processes
from local.deployment.access_key import SHARED, AccessKey
from local.errors import LocalError
from local.paths import REPOSITORY
from local.spark.spark import PASSED_ON, Spark


class SparkProcess:
    """One worker with its tables and files in `folder`."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self.log = log

    def process(self) -> processes.ProcessIdentity | None:
        """Its process, which an earlier command may have started; None when it does not run."""
        return processes.noted(self.folder / "process.json")

    def is_installed(self) -> bool:
        """Whether Spark is on this machine."""
        return Spark(self.folder / "warehouse", self.log).is_installed()

    def start(self, endpoint: str, activity: str, key: AccessKey = SHARED, timeout: float = 60) -> None:
        """Start it, and return when it asks for jobs. Raises `LocalError`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        process = processes.start(
            [
                *[sys.executable, "-m", "local.spark.worker", "--endpoint", endpoint],
                *["--activity", activity, "--folder", str(self.folder)],
            ],
            log=self.log,
            environment={
                **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
                **key.environment,
            },
            folder=REPOSITORY,
            note=self.folder / "process.json",
        )
        if not processes.wait_until(lambda: processes.tail(self.log, 1).strip() == "ready", process, timeout):
            self.stop()
            raise LocalError(f"Spark's worker did not start; see {self.log}.", processes.tail(self.log))

    def stop(self) -> None:
        """Stop it if it runs, and the job under way."""
        processes.stop(self.process(), grace=5)
        (self.folder / "process.json").unlink(missing_ok=True)

"""Apache Spark with Apache Iceberg on this machine: installed, and run on a job, for who asks for it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from functions.engine import spark_job_file, spark_main_file
from functions.engine.session import SESSION, file_catalog
from local import processes
from local.errors import LocalError
from local.paths import ENVIRONMENTS, REPOSITORY

LOCK_FILE = REPOSITORY / "requirements" / "spark.txt"
ENVIRONMENT = ENVIRONMENTS / "spark"
PYTHON = ">=3.11,<3.13"
"""The package that carries Iceberg's jar asks for less than 3.13."""
JAVA_VERSIONS = (17, 21)

_UV = REPOSITORY / ".venv" / "bin" / "uv"
_JAR = "lib/python*/site-packages/snowpark_connect_deps_iceberg/jars/iceberg-spark-runtime-3.5_2.12-*.jar"
PASSED_ON = (
    "PATH", "HOME", "LANG", "JAVA_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "UV_INDEX_URL", "UV_DEFAULT_INDEX",
    "UV_CONFIG_FILE",
)  # fmt: skip

# For seconds of work the JVM's second compiler takes longer than what it makes faster: it waits ten times as long as by
# default, for what runs once a row. And nobody waits for a pause of the collector.
_JAVA = (
    "-XX:+UseParallelGC -XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000"
    " -XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
_DRIVER_JAVA = "spark.driver.extraJavaOptions"

type Progress = Callable[[str], None]


class JavaError(LocalError):
    """There is no Java that Spark runs on."""


def java_version() -> int:
    """The major version of the Java that Spark would use. Raises JavaError when there is none that it runs on."""
    requirement = f"Spark needs Java {JAVA_VERSIONS[0]} or {JAVA_VERSIONS[1]}"
    install = f"install it (Debian, Ubuntu: apt install openjdk-{JAVA_VERSIONS[0]}-jre-headless), or set JAVA_HOME"
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home) / "bin" / "java") if home else "java")
    if java is None:
        where = f"JAVA_HOME={home} has none" if home else "there is none on the PATH"
        raise JavaError(f"{requirement}, and {where}: {install}.")
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    if found is None:
        raise JavaError(f"{requirement}, and {java} -version answers nothing of use: {install}.")
    if int(found[1]) not in JAVA_VERSIONS:
        raise JavaError(f"{requirement}, and {java} is version {found[1]}: {install}.")
    return int(found[1])


class Spark:
    """A Spark whose Iceberg tables are in `warehouse`. Each job is a process of its own, with `cores` and `memory`."""

    def __init__(
        self, warehouse: Path, log: Path, *, cores: str = "*", memory: str = "4g", environment: Path = ENVIRONMENT
    ) -> None:
        self.warehouse = warehouse
        self.log = log
        self.cores = cores
        self.memory = memory
        self.environment = environment

    def is_installed(self) -> bool:
        """Whether its packages are those of the lock file."""
        stamp = self.environment / ".installed"
        return stamp.is_file() and stamp.read_text() == LOCK_FILE.read_text()

    def install(self, progress: Progress) -> None:
        """Install what is missing. Raises JavaError, and LocalError when a package cannot be had."""
        java_version()
        if self.is_installed():
            return
        progress("installing Spark (650 MB)")
        self._run([_UV, "venv", "--quiet", "--clear", "--python", PYTHON, self.environment])
        python = self.environment / "bin" / "python"
        self._run([_UV, "pip", "sync", "--quiet", "--python", python, "--require-hashes", LOCK_FILE])
        (self.environment / ".installed").write_text(LOCK_FILE.read_text())

    def run(self, job: Path, program: Path | None = None) -> dict[str, Any]:
        """Run the job of a file, by the load's program or another; what it answers.

        Raises LocalError with the last lines of Spark's log.
        """
        submit = self.environment / "bin" / "spark-submit"
        self._run([submit, *self.options(), program or spark_job_file(), job])
        result: dict[str, Any] = json.loads(Path(f"{job}.result").read_text(encoding="utf-8"))
        return result

    def run_folder(self, folder: Path) -> None:
        """Run the job of a folder, which then holds its result and what it appended. Raises as `run` does."""
        submit = self.environment / "bin" / "spark-submit"
        self._run([submit, *self.options(), spark_main_file(), folder])

    def options(self, settings: Mapping[str, str] | None = None) -> list[str]:
        """The options of spark-submit; `settings` beside those of every job."""
        [jar] = self.environment.glob(_JAR)
        everything = {
            "spark.jars": str(jar),
            "spark.ui.enabled": "false",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            # 200 tasks, as on a cluster, would take longer to start than to run
            "spark.sql.shuffle.partitions": str(4 * (os.cpu_count() or 1)),
            **SESSION,
            _DRIVER_JAVA: f"{SESSION[_DRIVER_JAVA]} {_JAVA}",
            **file_catalog(str(self.warehouse)),
            **(settings or {}),
        }
        options = ["--master", f"local[{self.cores}]", "--driver-memory", self.memory]
        for name, value in everything.items():
            options += ["--conf", f"{name}={value}"]
        return options

    def process_environment(self) -> dict[str, str]:
        """The environment of Spark's processes."""
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        python = str(self.environment / "bin" / "python")
        return passed_on | {"PYSPARK_PYTHON": python, "PYSPARK_DRIVER_PYTHON": python, "SPARK_LOCAL_IP": "127.0.0.1"}

    def _run(self, command: list[str | Path]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            done = subprocess.run(
                [str(part) for part in command],
                env=self.process_environment(),
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            raise LocalError(f"{Path(command[0]).name} failed; see {self.log}.", processes.tail(self.log))

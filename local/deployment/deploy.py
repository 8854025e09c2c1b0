"""Deploys the CDK app to a LocalStack: synthesize once, bootstrap once, deploy, check."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.outputs import stack_outputs
from local import processes
from local.deployment.access_key import SHARED, AccessKey
from local.deployment.aws import (
    ACCOUNT,
    REGION,
    aws_environment,
    check_created,
    client,
    delete_changed_apis,
    stack_exists,
)
from local.errors import LocalError
from local.paths import CDK, REPOSITORY

# What decides the synthesized app, besides the context.
_SOURCES = (
    *("app.py", "cdk.json", "infra", "functions", "sql"),
    *(f"requirements/{name}.txt" for name in ("functions", "export", "dev")),
)
_HASH_FILE = "c360-inputs"
# Not --method direct: LocalStack then reports a failed update as UPDATE_COMPLETE.
_DEPLOY_OPTIONS = ["--concurrency", "3", "--require-approval", "never", "--progress", "events"]
_QUICK_WAITS = REPOSITORY / "local" / "deployment" / "quick_waits.cjs"
_TIMEOUT_SECONDS = 600

type Progress = Callable[[str], None]


@dataclass(frozen=True)
class CdkApp:
    """A CDK app with its context and the folders the CDK uses for it: `out` is the assembly, `home` its cache.

    It is deployed with `key`.
    """

    out: Path
    home: Path
    log: Path
    context: dict[str, str]
    key: AccessKey = SHARED
    folder: Path = REPOSITORY
    sources: tuple[str, ...] = _SOURCES
    command: str | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def inputs_hash(self) -> str:
        """Hash of everything that decides what would be deployed."""
        digest = hashlib.sha256(json.dumps([self.context, self.command, sys.version], sort_keys=True).encode())
        for path in _files(self.folder, self.sources):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(self.folder)}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()[:32]

    def synth(self, progress: Progress) -> str:
        """Synthesize into `out` unless it holds the same already; the hash of the inputs. Raises `LocalError`."""
        inputs = self.inputs_hash()
        synthesized = self.out / _HASH_FILE
        if synthesized.exists() and synthesized.read_text() == inputs:
            return inputs
        progress("synthesizing the CDK app")
        shutil.rmtree(self.out, ignore_errors=True)
        options = [option for item in self.context.items() for option in ("--context", "=".join(item))]
        if self.command is not None:
            options += ["--app", self.command]
        self._cdk(["synth", "--quiet", "--output", self.out, *options], "Synthesizing the CDK app", {})
        synthesized.write_text(inputs)
        return inputs

    def bootstrap(self, endpoint: str, progress: Progress) -> None:
        """Create what the CDK needs in the account, unless it is there."""
        if stack_exists(client("cloudformation", endpoint, self.key), "CDKToolkit"):
            return
        progress("bootstrapping the account")
        empty = self.home / "bootstrap"  # in a folder without an app nothing is synthesized
        empty.mkdir(parents=True, exist_ok=True)
        target = f"aws://{ACCOUNT}/{REGION}"
        self._cdk(["bootstrap", target], "Bootstrapping", aws_environment(endpoint, self.key), folder=empty)

    def deploy(self, endpoint: str, progress: Progress) -> None:
        """Deploy the synthesized assembly and check it. Raises `LocalError` with the end of the CDK's output."""
        stacks = self.stacks()
        delete_changed_apis(client("cloudformation", endpoint, self.key), self._templates())
        progress(f"deploying {', '.join(stacks)}")
        self._cdk(
            ["deploy", "--app", self.out, "--all", *_DEPLOY_OPTIONS],
            "Deploying",
            aws_environment(endpoint, self.key),
            progress=progress,
        )
        cloudformation = client("cloudformation", endpoint, self.key)
        check_created(cloudformation, stacks)
        # the migrator leaves a newer database alone for the sake of rollbacks, of which there are none here
        outcome = stack_outputs(cloudformation, stacks).get("SchemaOutcome", "")
        if outcome.startswith("left alone"):
            raise LocalError(f"Deploying failed: the schema was {outcome}")

    def stop_leftovers(self) -> None:
        """End CDK commands of an earlier run that was killed."""
        for note in self.home.glob("*.process.json"):
            processes.stop(processes.noted(note))
            note.unlink(missing_ok=True)
        shutil.rmtree(self._temporary, ignore_errors=True)

    def stacks(self) -> list[str]:
        """Names of the stacks in the synthesized assembly."""
        return list(self._templates())

    def _templates(self) -> dict[str, dict[str, Any]]:
        """The synthesized templates by the names of their stacks."""
        artifacts = json.loads((self.out / "manifest.json").read_text())["artifacts"]
        return {
            artifact["properties"].get("stackName", name): json.loads(
                (self.out / artifact["properties"]["templateFile"]).read_text()
            )
            for name, artifact in artifacts.items()
            if artifact["type"] == "aws:cloudformation:stack"
        }

    @property
    def _temporary(self) -> Path:
        return self.home / "tmp"

    def _note(self, what: str) -> Path:
        return self.home / f"{what.split()[0].lower()}.process.json"

    def _cdk(
        self,
        arguments: list[str | Path],
        what: str,
        environment: dict[str, str],
        *,
        folder: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Run the CDK command line; its output goes to the log, and its end into the error."""
        if not CDK.exists():
            raise LocalError(f"{CDK} is missing; run `make install` first.")
        if shutil.which("node") is None:
            raise LocalError("Node.js is not on the PATH; the CDK command line needs Node 20 or newer.")
        self._temporary.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
        own |= {
            "CDK_HOME": str(self.home),
            "TMPDIR": str(self._temporary),
            "CDK_DISABLE_CLI_TELEMETRY": "1",
            "NODE_OPTIONS": " ".join([os.environ.get("NODE_OPTIONS", ""), f'--require="{_QUICK_WAITS}"']).strip(),
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
            "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
        }
        process = subprocess.Popen(
            [str(CDK), *map(str, arguments), "--no-notices", "--no-color"],
            cwd=folder or self.folder,
            env=own | self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        running = processes.identify(process.pid)
        if running is not None:
            processes.write_note(self._note(what), running)
        timer = threading.Timer(_TIMEOUT_SECONDS, processes.stop, [running])
        timer.start()
        lines: list[str] = []
        try:
            assert process.stdout is not None  # noqa: S101 (a pipe was asked for)
            with process, self.log.open("a") as log:
                for line in process.stdout:
                    log.write(line)
                    lines.append(line.rstrip())
                    if progress is not None and "✅" in line:
                        progress(f"deployed {line.replace('✅', '').strip()}")
        except BaseException:  # Ctrl-C included: the CDK must not go on alone
            processes.stop(running)
            raise
        finally:
            timer.cancel()
        if process.returncode != 0:
            raise LocalError(f"{what} failed: {_reason(lines)[:500]} (see {self.log})", "\n".join(lines[-25:]))


def _reason(lines: list[str]) -> str:
    """The line of the CDK's output that says why: a failed resource, else an error, else the last.

    What was cut off by the failure is reported as failed too, without a reason.
    """
    failed = []
    for line in lines:
        columns = [column.strip() for column in line.split("|")]
        if columns[-3:-2] in (["CREATE_FAILED"], ["UPDATE_FAILED"]) and columns[-2] != "AWS::CloudFormation::Stack":
            failed.append(f"{columns[0]}: {columns[-2]} {columns[-1]}")
    # "‣" stands before an error and before each of its causes
    errors = [line.strip().removeprefix("‣ ") for line in lines if re.match("‣ |.*(❌|rror: )", line)]
    explained = [line for line in failed if not line.endswith(")") or " (" in line.partition(") ")[2]]
    return (explained or failed or errors or [line for line in lines if line.strip()][-1:] or ["no output"])[0]


def _files(folder: Path, sources: tuple[str, ...]) -> Iterator[Path]:
    for source in sources:
        path = folder / source
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file

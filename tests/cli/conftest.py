"""Running the c360 command in this process, against a deployment of the test's making."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli import deployment as deployments
from cli.deployment import Deployment, local_config, local_session
from cli.main import run_command
from local.stack import Outputs
from tests.support.recorded_executions import RecordedStepFunctions


@dataclass(frozen=True)
class Finished:
    """How a command ended: its exit status and what it wrote."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout; fails when there is anything else."""
        told = json.loads(self.stdout)
        assert isinstance(told, dict)
        assert self.stdout.count("\n") == 1
        return told


type C360 = Callable[..., Finished]


@pytest.fixture
def c360(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> C360:
    """Runs `c360 ARGUMENTS…` in an empty folder, with a state folder in which nothing was ever started."""
    monkeypatch.setenv("C360_STATE_DIR", str(tmp_path / "state"))
    for name in ("C360_TARGET", "C360_DEBUG", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Finished:
        capsys.readouterr()
        status = run_command(list(arguments))
        wrote = capsys.readouterr()
        return Finished(status, wrote.out, wrote.err)

    return run


def outputs_of(**changed: Any) -> Outputs:
    """Outputs of a local deployment."""
    return Outputs(
        **{
            "target": "embedded",
            "region": "us-east-1",
            "aws_endpoint_url": None,
            "landing_bucket": "landing-bucket",
            "state_machine_arn": "arn:aws:states:us-east-1:000000000000:stateMachine:load",
            "api_url": "http://127.0.0.1:4566/_aws/execute-api/abc/v1",
            "api_key": None,
            "local_api_url": "http://127.0.0.1:8000",
            "dashboard_url": None,
            "database_url": None,
            "kafka_bootstrap_servers": None,
            "kafka_topic": None,
            "alert_topic_arn": None,
        }
        | changed
    )


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Deployment]:
    """Makes commands talk to a deployment with these outputs, and this recorded Step Functions, if given."""

    def make(step_functions: RecordedStepFunctions | None = None, **changed: Any) -> Deployment:
        if step_functions:
            changed = {"state_machine_arn": step_functions.state_machine_arn} | changed
        made = Deployment(outputs_of(**changed), local_session("us-east-1"), local_config())
        if step_functions:
            made.__dict__["step_functions"] = step_functions.client
        monkeypatch.setattr(deployments, "open_deployment", lambda _target: made)
        return made

    return make

"""Running the c360 command in this process, against a deployment of the test's making."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import deployment as deployments
from cli.deployment import Deployment
from cli.main import run_command
from local.deployment.aws import client_config, session
from tests.support.command_line import C360, Finished, outputs_of
from tests.support.recorded_executions import RecordedStepFunctions


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


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Deployment]:
    """Makes commands talk to a deployment with these outputs, and this recorded Step Functions, if given."""

    def make(step_functions: RecordedStepFunctions | None = None, **changed: Any) -> Deployment:
        if step_functions:
            changed = {"state_machine_arn": step_functions.state_machine_arn} | changed
        made = Deployment(outputs_of(**changed), session(), client_config())
        if step_functions:
            made.__dict__["step_functions"] = step_functions.client
        monkeypatch.setattr(deployments, "open_deployment", lambda _target: made)
        return made

    return make

"""An `up` that fails, is interrupted, or meets another one: one clear line, and nothing left behind."""

import socket
import subprocess
import sys

import pytest

from local.deployment.aws import client
from local.deployment.deploy import Progress
from local.errors import LocalError
from local.servers.database import AdminDatabase
from local.servers.localstack import LocalStack
from local.state import State
from tests.support.tiny_stack import Lines, TinyApp, TinyStack, kill, processes_of

MIGRATED_BY_ANOTHER = "the database was migrated by a newer release of this software (version=9)"


class FakedApp(TinyApp):
    def template(self) -> dict[str, object]:
        template = super().template()
        dashboard = {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": "{}"}}
        return template | {"Resources": {"Dashboard": dashboard}, "Outputs": {}}


class BrokenApp(TinyApp):
    def template(self) -> dict[str, object]:
        wrong = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "A"}}
        return super().template() | {"Resources": {"Wrong": wrong}, "Outputs": {}}


class AnotherVersionsApp(TinyApp):
    def deploy(self, _endpoint: str, _progress: Progress) -> None:
        raise LocalError(f"Deploying failed: Reason: {MIGRATED_BY_ANOTHER}")


class NewerDatabasesApp(TinyApp):
    """As the migrator leaves it when a running stack is updated by older code."""

    def template(self) -> dict[str, object]:
        outcome = {"SchemaOutcome": {"Value": f"left alone: {MIGRATED_BY_ANOTHER}"}}
        template = super().template()
        return template | {"Resources": {"Other": {"Type": "AWS::S3::Bucket"}}, "Outputs": outcome}


def test_a_second_up_waits_and_names_the_process(stack: TinyStack) -> None:
    stack.up(Lines())
    code = (
        "import sys, time; from pathlib import Path; from local.lock import exclusive\n"
        "with exclusive(Path(sys.argv[1]), print): print('held', flush=True); time.sleep(1.5)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(stack.paths.lock_file)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        lines = Lines()
        stack.up(lines)
        assert lines.said == [f"waiting for process {holder.pid}, which is starting or stopping the stack"]
        assert holder.poll() == 0


def test_a_deployment_that_is_not_whole_is_one_clear_line(stack: TinyStack, monkeypatch: pytest.MonkeyPatch) -> None:
    for app, message in (
        (FakedApp, r"pretended to create C360-Data/Dashboard \(AWS::CloudWatch::Dashboard\)"),
        (BrokenApp, "Deploying failed: C360-Data: AWS::S3::Bucket Wrong .*InvalidBucketName"),
        *(
            (app, f"another version of this software.*`c360 down && rm -rf {stack.paths.state}` starts again")
            for app in (AnotherVersionsApp, NewerDatabasesApp)
        ),
    ):
        monkeypatch.setattr(TinyStack, "app", app)
        with pytest.raises(LocalError, match=message) as caught:
            TinyStack(stack.paths, stack.options.model_copy(update={"on_arrival": True})).up(Lines())
        assert "\n" not in str(caught.value)
        assert stack.status().deployment.state == "stopped"
    monkeypatch.undo()
    lines = Lines()
    healed = stack.up(lines)
    assert "the last deployment was not completed; starting with an empty LocalStack" in lines
    assert healed.aws_endpoint_url is not None
    client("s3", healed.aws_endpoint_url).head_bucket(Bucket=healed.landing_bucket)


def test_interrupting_up_leaves_no_cdk_behind(stack: TinyStack) -> None:
    changed = TinyStack(stack.paths, stack.options.model_copy(update={"alert_email": "a@example.com"}))

    def interrupt(line: str) -> None:
        if line.startswith("deployed"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        changed.up(interrupt)
    assert not any("cdk" in " ".join(process.cmdline()) for process in processes_of(stack))


class RacedStack(TinyStack):
    """Between the choice of ports and the start of Kafka, another program takes Kafka's."""

    taken: socket.socket | None = None

    def _start_localstack(
        self, state: State, localstack: LocalStack, database: AdminDatabase, progress: Progress
    ) -> None:
        if self.taken is None:
            self.taken = socket.create_server(("127.0.0.1", state.ports["kafka"].used))
        super()._start_localstack(state, localstack, database, progress)


def test_a_port_that_another_start_takes_meanwhile_is_left_for_the_next_one(stack: TinyStack) -> None:
    stack.up(Lines())
    kill("kafka", stack)
    before = stack.status().kafka.port
    raced, lines = RacedStack(stack.paths, stack.options), Lines()
    raced.up(lines)
    assert raced.taken is not None
    with raced.taken:
        assert f"Port {before} is taken by another program; Kafka needs a free one. Taking the next one." in lines
        now = stack.status()
        assert {now.kafka.state, now.localstack.state, now.deployment.state} == {"running"}
        assert now.kafka.port not in (None, before)

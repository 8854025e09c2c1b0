"""The compose file's platform, whose poller is ours: with a LocalStack, a broker and a PostgreSQL that stand in for the
containers on other ports, and a `docker` that only writes down its arguments. The containers themselves never ran.
"""

import json
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import yaml
from confluent_kafka import Producer

from cli.main import run_command
from infra.config import DeploymentConfig
from infra.outputs import OPTIONAL_STACKS, STACKS, stack_name
from local import compose, processes
from local.compose import COMPOSE_FILE, ComposeOptions, ComposeStack
from local.deployment import deploy
from local.deployment.aws import client
from local.errors import LocalError
from local.paths import REPOSITORY, Paths
from local.servers.broker import Broker
from tests.support.platform import eventually
from tests.support.synthesis import flat, synthesize

SCRIPTED = Path(__file__).parents[1] / "support" / "scripted_function.py"
STACK = "Compose-Stream"


@dataclass
class Scene:
    """Stand-ins for the containers: a stack with a mapping's output, its function, a broker."""

    paths: Paths
    options: ComposeOptions
    endpoint: str
    broker: Broker
    log: Path
    messages: list[str]

    @property
    def stack(self) -> ComposeStack:
        """As a new command sees it."""
        return ComposeStack(self.paths, self.options, stacks=(STACK,))

    def deploy_managed(self, postgres: int) -> None:
        """The outputs of a deployment whose PostgreSQL and Kafka are LocalStack's own."""
        self._create(
            DatabaseAdminSecretArn="arn:aws:secretsmanager:us-east-1:000000000000:secret:admin",
            DatabaseHost="127.0.0.1",
            DatabasePort=str(postgres),
            KafkaBootstrapServers=self.broker.bootstrap_servers,
        )

    def deploy(self, **changed: Any) -> None:
        """The event source mapping that the app has."""
        mapping = {
            "FunctionName": "composed",
            "EventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/local/0-1",
            "BootstrapServers": self.broker.bootstrap_servers,
            "Topic": "clicks",
            "Partitions": 2,
            "ConsumerGroupId": "composed",
            "MaximumBatchingWindowInSeconds": 0,
            **changed,
        }
        self._create(EventSourceMapping=json.dumps(mapping))

    def _create(self, **outputs: str) -> None:
        template = {
            "Resources": {"Any": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        cloudformation = client("cloudformation", self.endpoint)
        cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})

    def remove(self) -> None:
        cloudformation = client("cloudformation", self.endpoint)
        cloudformation.delete_stack(StackName=STACK)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})

    def invocations(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture
def scene(localstack: str, scratch: Path, tmp_path: Path) -> Iterator[Scene]:
    broker = Broker(tmp_path / "kafka", processes.free_port(24700), tmp_path / "kafka.log")
    broker.start()
    log = scratch / "composed.log"
    package = BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(SCRIPTED, "scripted_function.py")
    functions = client("lambda", localstack)
    functions.create_function(
        FunctionName="composed",
        Runtime="python3.13",
        Handler="scripted_function.handle",
        Role="arn:aws:iam::000000000000:role/scripted",
        Timeout=30,
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": {"LOG": str(log)}},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="composed")
    options = ComposeOptions(
        localstack_port=urlsplit(localstack).port or 0, postgres_port=processes.free_port(), kafka_port=broker.port
    )
    scene = Scene(Paths(tmp_path / "state"), options, localstack, broker, log, [])
    yield scene
    scene.stack.event_source.stop()
    functions.delete_function(FunctionName="composed")
    broker.stop()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a `docker` on the PATH writes down its arguments."""
    calls = tmp_path / "docker-calls"
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> "{calls}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return calls


def test_the_poller_brings_the_containers_kafka_to_the_containers_function(scene: Scene, docker: Path) -> None:
    with pytest.raises(LocalError, match="not deployed"):
        scene.stack.poll(scene.messages.append)
    assert scene.stack.status().event_source.state == "stopped"
    scene.deploy()
    try:
        scene.stack.poll(scene.messages.append)
        assert scene.messages == ["starting the event source poller"]
        producer = Producer({"bootstrap.servers": scene.broker.bootstrap_servers})
        producer.produce("clicks", value=b'{"do": "ok"}')
        assert producer.flush(10) == 0
        eventually(lambda: scene.invocations() == 1, 30)
        status = scene.stack.status()
        assert {
            name: getattr(status, name).state for name in ("localstack", "kafka", "event_source", "deployment")
        } == {
            "localstack": "running",
            "kafka": "running",
            "event_source": "running",
            "deployment": "running",
        }
        assert status.postgres.state == "stopped"
        assert status.event_source.detail.startswith("2 partitions")

        running = status.event_source.pid
        scene.stack.poll(scene.messages.append)
        assert scene.stack.status().event_source.pid == running, "what it does already is left alone"
        scene.remove()
        scene.deploy(BatchSize=7)
        scene.stack.poll(scene.messages.append)
        changed = scene.stack.status().event_source.pid
        assert changed != running, "another mapping needs another poller"

        scene.stack.down(scene.messages.append)
        assert scene.stack.status().event_source.state == "stopped"
        assert changed is not None
        assert not psutil.pid_exists(changed)
        assert docker.read_text().splitlines() == [f"compose --file {COMPOSE_FILE} down"]
    finally:
        scene.remove()


def test_as_a_service_of_the_file_the_poller_waits_for_the_stack_and_follows_its_mapping(scene: Scene) -> None:
    status = scene.log.with_name("poller-status.json")
    status.unlink(missing_ok=True)
    command = [sys.executable, "-m", "local.event_source.compose_poller", "--stack", STACK, "--status", str(status)]
    command += ["--endpoint", scene.endpoint, "--bootstrap-servers", scene.broker.bootstrap_servers]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL) as poller:
        try:
            eventually(status.exists, 30)
            assert json.loads(status.read_text())["partitions"] == 0, "nothing is deployed"
            scene.deploy(BootstrapServers="of-the-host:9092")
            eventually(lambda: json.loads(status.read_text())["partitions"] == 2, 30)
            producer = Producer({"bootstrap.servers": scene.broker.bootstrap_servers})
            producer.produce("clicks", value=b'{"do": "ok"}')
            assert producer.flush(10) == 0
            eventually(lambda: scene.invocations() == 1, 60)
        finally:
            poller.terminate()
            scene.remove()
        assert poller.wait(30) == 0


def test_up_starts_the_containers_then_deploys_then_polls(
    scene: Scene, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy.CdkApp, "synth", lambda app, _: scene.messages.append(f"synth {app.context['target']}"))
    monkeypatch.setattr(
        deploy.CdkApp, "bootstrap", lambda _app, endpoint, _: scene.messages.append(f"bootstrap {endpoint}")
    )
    monkeypatch.setattr(deploy.CdkApp, "deploy", lambda _app, _endpoint, _: scene.deploy())
    try:
        scene.stack.up(scene.messages.append)
        assert docker.read_text().splitlines() == [f"compose --file {COMPOSE_FILE} up --detach --wait"]
        assert scene.messages == [
            "starting the containers",
            "synth localstack",
            f"bootstrap {scene.endpoint}",
            "starting the event source poller",
        ]
        assert scene.stack.status().event_source.state == "running"
    finally:
        scene.remove()


def test_a_licensed_localstack_serves_rds_and_msk_by_the_current_image(
    tmp_path: Path, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = ComposeStack(Paths(tmp_path / "state"), ComposeOptions(managed=True))
    assert DeploymentConfig.from_context(stack.context).localstack_managed
    monkeypatch.delenv("LOCALSTACK_AUTH_TOKEN", raising=False)
    with pytest.raises(LocalError, match="LOCALSTACK_AUTH_TOKEN is not set"):
        stack.up(lambda _: None)
    assert not docker.exists(), "no container was started"
    program = tmp_path / "bin" / "docker"
    program.write_text(f'#!/bin/sh\necho "$C360_LOCALSTACK_IMAGE $LOCALSTACK_AUTH_TOKEN" "$@" >> {docker}\n')
    monkeypatch.setenv("LOCALSTACK_AUTH_TOKEN", "ls-token")
    for name in ("stop_leftovers", "synth", "bootstrap", "deploy"):
        monkeypatch.setattr(deploy.CdkApp, name, lambda *_: None)
    stack.up(lambda _: None)  # and asks for no poller's mapping
    up = f"compose --file {COMPOSE_FILE} up --detach --wait --no-deps localstack"
    assert docker.read_text() == f"localstack/localstack:latest ls-token {up}\n", "no other PostgreSQL, no other Kafka"
    assert "localstack" in yaml.safe_load(COMPOSE_FILE.read_text("utf-8"))["services"]


def test_with_localstacks_own_servers_the_state_is_theirs_and_no_container_counts_as_stopped(scene: Scene) -> None:
    scene.stack.event_source.stop()
    with socket.create_server(("127.0.0.1", 0)) as postgres:
        port = postgres.getsockname()[1]
        scene.deploy_managed(port)
        try:
            status = scene.stack.status()
        finally:
            scene.remove()
    assert (status.postgres.state, status.kafka.state) == ("running", "running")
    assert (status.postgres.port, status.postgres.detail) == (port, f"LocalStack's RDS, 127.0.0.1:{port}")
    assert status.kafka.detail == f"LocalStack's MSK, {scene.broker.bootstrap_servers}"
    assert status.event_source.detail == "LocalStack's own"


def test_what_docker_says_against_it_is_one_line(tmp_path: Path, docker: Path) -> None:
    program = tmp_path / "bin" / "docker"
    program.write_text("#!/bin/sh\necho ' Network c360 Created' >&2\necho 'Error: port is taken' >&2\nexit 1\n")
    with pytest.raises(LocalError, match="docker compose failed: Error: port is taken"):
        ComposeStack(Paths(tmp_path / "state")).down(lambda _: None)


def test_the_app_is_deployed_for_the_ports_and_names_of_the_compose_file(tmp_path: Path) -> None:
    services = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
    published = {name: each["ports"][0].split(":")[1] for name, each in services.items() if "ports" in each}
    options = ComposeOptions()
    assert {str(options.localstack_port), str(options.postgres_port), str(options.kafka_port)} == {
        published["localstack"],
        published["postgres"],
        published["kafka"],
    }
    stack = ComposeStack(Paths(tmp_path / "state"))
    deployment = DeploymentConfig.from_context(stack.context)
    assert deployment.database_host in services
    synthesis = synthesize(tmp_path / "out", **stack.context)
    expected_stacks = {stack_name(each) for each in (*STACKS, *OPTIONAL_STACKS)}
    assert {path.name.split(".")[0] for path in synthesis.files} == expected_stacks
    mapping = json.loads(flat(synthesis.template("Stream")["Outputs"]["EventSourceMapping"]["Value"]))
    assert mapping["BootstrapServers"] in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    postgres = services["postgres"]["environment"]
    address = urlsplit(compose.database_url())
    assert (address.username, address.path) == (postgres["POSTGRES_USER"], f"/{postgres['POSTGRES_DB']}")
    assert f":-{address.password}}}" in postgres["POSTGRES_PASSWORD"]


def test_the_command_tells_the_containers_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("C360_STATE_DIR", str(tmp_path / "state"))
    free = ComposeOptions(
        localstack_port=processes.free_port(), postgres_port=processes.free_port(), kafka_port=processes.free_port()
    )
    monkeypatch.setattr(compose, "ComposeOptions", lambda **_: free)
    assert run_command(["status", "--target", "localstack", "--json"]) == 0
    parts = json.loads(capsys.readouterr().out)
    assert {name: part["state"] for name, part in parts.items()} == dict.fromkeys(
        ("localstack", "postgres", "kafka", "event_source", "deployment"), "stopped"
    )
    assert run_command(["up", "--target", "localstack", "--lake", "--json"]) == 2

"""The container target: LocalStack, PostgreSQL and Kafka of docker-compose.localstack.yml, and the same CDK app.

`c360 up --target localstack`, or python -m local.compose. LocalStack's container makes the database administrator's
secret itself (infra/localstack). Its free licence has no Kafka triggers, so the event source poller of this machine
serves it as it serves the embedded platform.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict

from infra.outputs import OPTIONAL_STACKS, STACKS, stack_name, stack_outputs
from local.deployment import aws
from local.deployment.deploy import CdkApp
from local.errors import LocalError
from local.event_source.process import EventSourceProcess
from local.lock import exclusive
from local.paths import REPOSITORY, Paths
from local.servers.broker import Broker
from local.servers.database import AdminDatabase
from local.servers.localstack import LocalStack
from local.state import Part
from local.status import event_source_part

COMPOSE_FILE = REPOSITORY / "docker-compose.localstack.yml"
CURRENT_IMAGE = "localstack/localstack:latest"
"""Which needs a token, as every tag after the compose file's does."""
ALONE = ("--no-deps", "localstack")
"""What has docker compose start LocalStack without the PostgreSQL and Kafka that it serves itself with a licence."""
_STACKS = tuple(stack_name(name) for name in (*STACKS, *OPTIONAL_STACKS))

type Progress = Callable[[str], None]


class ComposeOptions(BaseModel):
    """Where the containers' ports are, which is fixed by the compose file, and how to deploy."""

    model_config = ConfigDict(frozen=True)

    localstack_port: int = 4566
    postgres_port: int = 5432
    kafka_port: int = 9092
    schedule_enabled: bool = True
    on_arrival: bool = False
    managed: bool = False
    """LocalStack serves PostgreSQL and Kafka itself, as RDS and MSK, which its licence must have."""


class ComposeStatus(BaseModel):
    """The parts that are in use, looked at now; what runs in a container counts as running when it answers."""

    model_config = ConfigDict(frozen=True)

    localstack: Part
    postgres: Part
    kafka: Part
    event_source: Part
    deployment: Part


def database_url(port: int = 5432) -> str:
    """The administrator's URL of the compose file's PostgreSQL, as this machine reaches it."""
    password = os.environ.get("C360_POSTGRES_PASSWORD") or "c360-local"
    return f"postgresql://c360_admin:{quote(password, safe='')}@127.0.0.1:{port}/c360"


class ComposeStack:
    """The containers, what is deployed to them, and the poller with its files in the state folder."""

    def __init__(
        self, paths: Paths, options: ComposeOptions | None = None, *, stacks: tuple[str, ...] = _STACKS
    ) -> None:
        options = options or ComposeOptions()
        self._paths = paths
        folder = paths.state / "compose"
        self._lock = folder / "lock"
        self._stacks = stacks
        self._database = AdminDatabase(database_url(options.postgres_port))
        # for their questions only: the containers are docker's to start and stop
        self._localstack = LocalStack(folder / "localstack", options.localstack_port)
        self._broker = Broker(folder / "kafka", options.kafka_port, paths.logs / "compose-kafka.log")
        self.event_source = EventSourceProcess(folder / "event-source", paths.logs / "compose-event-source.log")
        self._is_managed = options.managed
        servers = {"database_host": "postgres", "stream_bootstrap_servers": self._broker.bootstrap_servers}
        self.context = {
            "target": "localstack",
            "endpoint_url": self._localstack.url,
            "bundle_platform": "container",
            **({"localstack_managed": "true"} if options.managed else servers),
            "schedule": "enabled" if options.schedule_enabled else "disabled",
            "on_arrival": "enabled" if options.on_arrival else "disabled",
        }
        self._app = CdkApp(folder / "cdk.out", folder / "cdk-home", paths.logs / "compose-cdk.log", self.context)

    def up(self, progress: Progress) -> None:
        """Start the containers, wait until they are healthy, deploy, and start the poller. Raises `LocalError`."""
        with self._paths.private(), exclusive(self._lock, progress):
            progress("starting the containers")
            if self._is_managed:
                _compose("up", "--detach", "--wait", *ALONE, environment=_licensed())
            else:
                _compose("up", "--detach", "--wait")
            self._app.stop_leftovers()
            self._app.synth(progress)
            self._app.bootstrap(self._localstack.url, progress)
            self._app.deploy(self._localstack.url, progress)
            if self._is_managed:
                self.event_source.stop()  # of a deployment before: LocalStack has the mapping now
            else:
                self.poll(progress)

    def poll(self, progress: Progress) -> None:
        """Have the poller do what the deployed stack's mapping says; leave it alone when it does that already.

        Raises `LocalError` when nothing is deployed, or Kafka does not answer.
        """
        try:
            outputs = stack_outputs(aws.client("cloudformation", self._localstack.url), self._stacks)
        except (BotoCoreError, ClientError) as error:
            raise LocalError(f"The stacks are not deployed to {self._localstack.url}: {error}") from error
        mapping = outputs.get("EventSourceMapping")
        if mapping is None:
            raise LocalError("The deployed stacks have no event source mapping; deploy them with this version.")
        if self.event_source.serves(mapping):
            return
        progress("starting the event source poller")
        self.event_source.stop()
        self.event_source.start(self._localstack.url, mapping)

    def down(self, progress: Progress) -> None:
        """Stop the poller, then the containers; the volumes, and so the database's data, stay. Raises `LocalError`."""
        with self._paths.private(), exclusive(self._lock, progress):
            if self.event_source.process() is not None:
                progress("stopping the event source")
            self.event_source.stop()
            self._app.stop_leftovers()
            progress("stopping the containers")
            _compose("down")

    def status(self) -> ComposeStatus:
        """Ask every part whether it works. Never changes anything."""
        runtime = _answering(self._localstack.port, self._localstack.url, self._localstack.health() is not None)
        is_up = runtime.state == "running"
        deployment = self._deployment() if is_up else Part(state="stopped")
        outputs = self._outputs() if is_up else {}
        if "DatabaseAdminSecretArn" in outputs:  # LocalStack serves PostgreSQL and Kafka itself
            return ComposeStatus(
                localstack=runtime,
                postgres=_served("RDS", f"{outputs['DatabaseHost']}:{outputs['DatabasePort']}"),
                kafka=_served("MSK", outputs["KafkaBootstrapServers"]),
                event_source=Part(state=deployment.state, detail="LocalStack's own"),
                deployment=deployment,
            )
        return ComposeStatus(
            localstack=runtime,
            postgres=self._postgres(),
            kafka=_answering(self._broker.port, self._broker.bootstrap_servers, self._broker.answers()),
            event_source=event_source_part(self.event_source),
            deployment=deployment,
        )

    def _outputs(self) -> dict[str, str]:
        """Of the deployed stacks; none unless all are there."""
        try:
            return stack_outputs(aws.client("cloudformation", self._localstack.url), self._stacks)
        except (BotoCoreError, ClientError):
            return {}

    def _postgres(self) -> Part:
        address = self._database.address
        port = int(address["database_port"])
        try:
            self._database.check()
        except LocalError as error:
            return Part(state="stopped", port=port, detail=str(error))
        return Part(state="running", port=port, detail=f"{address['database_host']}:{port}/{address['database_name']}")

    def _deployment(self) -> Part:
        try:
            cloudformation = aws.client("cloudformation", self._localstack.url)
            missing = [name for name in self._stacks if not aws.stack_exists(cloudformation, name)]
        except (BotoCoreError, ClientError):
            return Part(state="unhealthy", detail="LocalStack does not answer")
        if missing:
            detail = f"{', '.join(missing)} not deployed; c360 up --target localstack deploys"
            return Part(state="stopped" if len(missing) == len(self._stacks) else "unhealthy", detail=detail)
        return Part(state="running", detail=", ".join(self._stacks))


def _answering(port: int, where: str, answers: bool) -> Part:
    return Part(state="running" if answers else "stopped", port=port, detail=where if answers else "")


def _served(what: str, addresses: str) -> Part:
    """PostgreSQL or Kafka of LocalStack's own: running when the first of its addresses takes a connection."""
    address = urlsplit(f"//{addresses.split(',')[0]}")
    port = address.port or 0
    try:
        with socket.create_connection((address.hostname or "", port), timeout=3):
            return Part(state="running", port=port, detail=f"LocalStack's {what}, {addresses}")
    except OSError as error:
        return Part(state="unhealthy", port=port, detail=f"LocalStack's {what}, {addresses}: {error}")


def _licensed() -> dict[str, str]:
    """What has the compose file start the current image with the caller's token. Raises `LocalError` without one."""
    if not os.environ.get("LOCALSTACK_AUTH_TOKEN"):
        raise LocalError("LOCALSTACK_AUTH_TOKEN is not set: LocalStack serves RDS and MSK with a licence only.")
    return {"C360_LOCALSTACK_IMAGE": os.environ.get("C360_LOCALSTACK_IMAGE") or CURRENT_IMAGE}


def _compose(*arguments: str, environment: Mapping[str, str] | None = None) -> None:
    """Run docker compose on our file. Raises `LocalError`."""
    if shutil.which("docker") is None:
        raise LocalError("Docker is not installed; c360 up runs the platform without it.")
    command = ["docker", "compose", "--file", str(COMPOSE_FILE), *arguments]
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | dict(environment or {})
    )
    if result.returncode != 0:
        lines = [line.strip() for line in result.stderr.splitlines() if line.strip()] or ["no output"]
        said = [line for line in lines if any(word in line.lower() for word in ("error", "cannot", "unknown"))]
        raise LocalError(f"docker compose failed: {(said or lines[-1:])[0]}", result.stderr)


if __name__ == "__main__":
    try:
        ComposeStack(Paths.default()).up(lambda line: print(line, file=sys.stderr))  # noqa: T201
    except LocalError as error:
        sys.exit(f"error: {error}")

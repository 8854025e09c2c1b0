"""The servers of an embedded stack: how each is reached, on which port, and stopping them all."""

from collections.abc import Callable
from dataclasses import dataclass

from local import processes
from local.deployment.access_key import SHARED, AccessKey
from local.event_source.process import EventSourceProcess
from local.paths import Paths
from local.servers.api_server import ApiServer
from local.servers.broker import Broker
from local.servers.localstack import LocalStack
from local.servers.postgres import PostgresServer
from local.spark.process import SparkProcess
from local.state import Port, StackOptions, State

type Progress = Callable[[str], None]
type Server = PostgresServer | LocalStack | ApiServer | Broker | EventSourceProcess | SparkProcess


@dataclass(frozen=True)
class Parts:
    """The servers of one state folder, whether they run or not."""

    postgres: PostgresServer
    localstack: LocalStack
    api: ApiServer
    broker: Broker
    event_source: EventSourceProcess
    spark: SparkProcess

    @classmethod
    def of(cls, paths: Paths, options: StackOptions, state: State) -> "Parts":
        """The parts on the ports of `state`; where it has none, on the preferred ones."""

        def port(name: str, preferred: int) -> int:
            return state.ports[name].used if name in state.ports else preferred

        logs = paths.logs
        return cls(
            PostgresServer(paths.postgres, port("postgres", options.postgres_port), logs / "postgres.log"),
            LocalStack(
                paths.localstack,
                port("localstack", options.localstack_port),
                logs / "localstack.log",
                AccessKey.kept(paths.access_key_file) if state.private else SHARED,
            ),
            ApiServer(paths.state / "api.json", port("api", options.api_port), logs / "api.log"),
            Broker(paths.state / "kafka", port("kafka", options.kafka_port), logs / "kafka.log"),
            EventSourceProcess(paths.state / "event-source", logs / "event-source.log"),
            SparkProcess(paths.state / "spark", logs / "spark-worker.log"),
        )

    def stop(self, progress: Progress) -> None:
        """Stop every process, those that depend on others first."""
        servers: tuple[tuple[str, Server], ...] = (
            ("Spark", self.spark),
            ("the event source", self.event_source),
            ("Kafka", self.broker),
            ("the API server", self.api),
            ("LocalStack", self.localstack),
            ("PostgreSQL", self.postgres),
        )
        for name, server in servers:
            if server.process() is not None:
                progress(f"stopping {name}")
            server.stop()


def choose_ports(paths: Paths, options: StackOptions, state: State) -> None:
    """Set the ports in `state` and save it.

    A part that runs keeps its port. A stopped one gets the port that it had, the preferred one, or the next free one.
    """
    parts = Parts.of(paths, options, state)
    for name, part, preferred in (
        ("postgres", parts.postgres, options.postgres_port),
        ("localstack", parts.localstack, options.localstack_port),
        ("api", parts.api, options.api_port),
        ("kafka", parts.broker, options.kafka_port),
    ):
        if part.process() is not None and name in state.ports:
            continue
        known = state.ports.get(name)
        if known is None or known.preferred != preferred or not processes.port_is_free(known.used):
            taken = {port.used for other, port in state.ports.items() if other != name}
            used = processes.free_port(preferred)
            while used in taken:
                used = processes.free_port(used + 1)
            state.ports[name] = Port(preferred=preferred, used=used)
    state.save(paths.stack_file)

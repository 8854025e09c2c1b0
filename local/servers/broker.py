"""The Kafka broker of this machine, for development only: noida-db, which speaks the protocol without a JVM.

The broker is named here only; everything else gets bootstrap servers. It is a binary without a named author, so it is
started with the least rights that the system can give it: `local/servers/confined.py`.
"""

import contextlib
import os
import pwd
import sys
import time
from importlib.resources import files
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from local import processes
from local.errors import LocalError, PortTakenError
from local.servers.postgres_account import server_account

_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}
_CONFINED = Path(__file__).with_name("confined.py")
_LETTING_GO_SECONDS = 3
"""A killed broker counts as ended when its first thread has; the others hold its port a moment longer."""


class Broker:
    """One broker on 127.0.0.1:`port` with its topics in `folder`, which outlive it."""

    def __init__(self, folder: Path, port: int, log: Path) -> None:
        self.folder = folder
        self.port = port
        self.log = log

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def process(self) -> processes.ProcessIdentity | None:
        """Its process, which an earlier command may have started; None when it does not run."""
        return processes.noted(self.folder / "process.json")

    def died(self) -> bool:
        """Whether it ended without being stopped: what it took in its last second may be lost, and offsets go back."""
        return self.process() is None and (self.folder / "process.json").exists()

    def answers(self) -> bool:
        """Whether it speaks Kafka now."""
        try:
            return bool(_admin(self.bootstrap_servers).list_topics(timeout=3).brokers)
        except KafkaException:
            return False

    def start(self, timeout: float = 30) -> None:
        """Start and return when it answers. Raises `PortTakenError`, or `LocalError` with the end of its log."""
        deadline = time.monotonic() + _LETTING_GO_SECONDS
        while not processes.port_is_free(self.port) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not processes.port_is_free(self.port):
            raise PortTakenError(f"Port {self.port} is taken by another program; Kafka needs a free one.")
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        user = _own_account()
        if user:
            for path in (data, *data.iterdir()):
                os.chown(path, *user, follow_symlinks=False)
        process = processes.start(
            [
                *[sys.executable, "-I", str(_CONFINED), "--folder", str(data), "--port", str(self.port)],
                *(["--user", f"{user[0]}:{user[1]}"] if user else []),
                *["--", str(files("noida_db").joinpath("noida-db")), "start", "--only", "kafka"],
                *["--host", "127.0.0.1", "--data-dir", ".", "--kafka-port", str(self.port)],
            ],
            log=self.log,
            environment=_ENVIRONMENT,
            folder=self.folder,
            note=self.folder / "process.json",
        )
        if processes.wait_for_server(lambda: self.answers(), process, self.port, timeout):
            return
        self.stop()
        if not processes.port_is_free(self.port):
            raise PortTakenError(f"Port {self.port} is taken by another program; Kafka needs a free one.")
        raise LocalError(f"The Kafka broker did not start; see {self.log}.", processes.tail(self.log))

    def stop(self) -> None:
        """Stop it if it runs; it saves its topics first."""
        processes.stop(self.process(), grace=15)
        (self.folder / "process.json").unlink(missing_ok=True)


def _own_account() -> tuple[int, int] | None:
    """Where root starts the broker: an account that owns nothing, and is not PostgreSQL's either."""
    postgres = server_account()
    if postgres is None:
        return None
    for name in ("nobody", "daemon"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            if entry.pw_uid not in (0, postgres.uid):
                return entry.pw_uid, entry.pw_gid
    raise LocalError("The broker does not run as root, and there is no account nobody or daemon; run as a user.")


def create_topic(bootstrap_servers: str, topic: str, partitions: int) -> None:
    """Create a topic unless it is there. Raises `LocalError` when the broker refuses."""
    admin = _admin(bootstrap_servers)
    [created] = admin.create_topics([NewTopic(topic, partitions, 1)]).values()
    try:
        created.result(timeout=10)
    except KafkaException as error:
        reason = error.args[0]
        if not (isinstance(reason, KafkaError) and reason.code() == KafkaError.TOPIC_ALREADY_EXISTS):
            raise LocalError(f"The topic {topic} could not be created: {error}") from error


def _admin(bootstrap_servers: str) -> AdminClient:
    # what it would say on stderr about a broker that is not up yet, its answer says
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0, "socket.timeout.ms": 3000})

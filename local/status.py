"""What is running of a stack, looked at now."""

import shutil
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local import processes
from local.deployment import aws
from local.errors import LocalError
from local.event_source.process import EventSourceProcess
from local.parts import Parts
from local.servers.database import AdminDatabase
from local.servers.localstack import LocalStack
from local.servers.postgres import PostgresServer
from local.state import Part, State, Status

LOW_DISK_BYTES = 1_000_000_000
_HEAL = "c360 up heals it"


def look(parts: Parts, state: State, disk: Part, *, deployment_is_current: bool) -> Status:
    """Ask every part whether it works; a part whose process is gone although the stack was up is `stopped`."""
    localstack, api, broker = parts.localstack, parts.api, parts.broker
    runtime = _part(localstack.process(), localstack.port, lambda: localstack.health() is not None, localstack.url)
    return Status(
        localstack=runtime,
        postgres=_database(parts.postgres, state),
        api=_part(api.process(), api.port, lambda: api.health() == 200, api.url),
        kafka=_part(broker.process(), broker.port, broker.answers, broker.bootstrap_servers),
        event_source=event_source_part(parts.event_source),
        spark=_spark(parts, state),
        deployment=_deployment(localstack, runtime, state, is_current=deployment_is_current),
        disk=disk,
    )


def of_another_version(parts: Parts, disk: Part) -> Status:
    """Where the stack's state cannot be read: what runs, without asking on ports that are not known."""

    def part(process: processes.ProcessIdentity | None) -> Part:
        if process is None:
            return Part(state="stopped")
        return Part(state="unhealthy", pid=process.pid, detail=f"another version started it; {_HEAL}")

    return Status(
        localstack=part(parts.localstack.process()),
        postgres=part(parts.postgres.process()),
        api=part(parts.api.process()),
        kafka=part(parts.broker.process()),
        event_source=part(parts.event_source.process()),
        deployment=Part(state="stopped", detail=f"its record is from another version; {_HEAL}, the data is kept"),
        disk=disk,
    )


def disk_part(folder: Path) -> Part:
    """The room left on the disk that holds the state folder; unhealthy below LOW_DISK_BYTES."""
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    detail = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.1f} GB free"
    if usage.free < LOW_DISK_BYTES:
        return Part(state="unhealthy", detail=f"{detail}: PostgreSQL stops when none is left")
    return Part(state="running", detail=detail)


def _part(process: processes.ProcessIdentity | None, port: int, answers: Callable[[], bool], where: str) -> Part:
    if process is None:
        return Part(state="stopped", port=port)
    if not answers():
        return Part(state="unhealthy", pid=process.pid, port=port, detail=f"it does not answer; {_HEAL}")
    return Part(state="running", pid=process.pid, port=port, detail=where)


def event_source_part(event_source: EventSourceProcess) -> Part:
    """The poller as it reports itself."""
    process = event_source.process()
    if process is None:
        return Part(state="stopped")
    report = event_source.status()
    if report is None:
        return Part(state="unhealthy", pid=process.pid, detail=f"it does not report its state; {_HEAL}")
    return Part(state="running", pid=process.pid, detail=f"{report['partitions']} partitions, lag {report['lag']}")


def _spark(parts: Parts, state: State) -> Part | None:
    """Spark's worker; None where PostgreSQL loads the vault."""
    if state.engine != "spark":
        return None
    process = parts.spark.process()
    if process is None:
        return Part(state="stopped")
    return Part(state="running", pid=process.pid, detail=str(parts.spark.folder / "warehouse"))


def _database(postgres: PostgresServer, state: State) -> Part:
    process = None if state.database_url else postgres.process()
    if process is None and not state.database_url:
        return Part(state="stopped", port=postgres.requested_port)
    database = AdminDatabase(state.database_url or postgres.url)
    port = int(database.address["database_port"])
    pid = process.pid if process else None
    where = f"{database.address['database_host']}:{port}/{database.address['database_name']}"
    try:
        database.check()
    except LocalError as error:
        return Part(state="unhealthy", pid=pid, port=port, detail=str(error))
    return Part(state="running", pid=pid, port=port, detail=where)


def _deployment(localstack: LocalStack, runtime: Part, state: State, *, is_current: bool) -> Part:
    if state.deployed is None:
        return Part(state="stopped", detail="nothing is deployed, or not completely; c360 up deploys it")
    if not is_current:
        return Part(state="stopped", detail=f"LocalStack ended and has lost it; {_HEAL}")
    if runtime.state != "running":
        return Part(state="unhealthy", detail=runtime.detail)
    try:
        cloudformation = aws.client("cloudformation", localstack.url, localstack.key)
        missing = [name for name in state.deployed.stacks if not aws.stack_exists(cloudformation, name)]
    except (BotoCoreError, ClientError):
        return Part(state="unhealthy", detail=f"LocalStack does not answer; {_HEAL}")
    if missing:
        return Part(state="unhealthy", detail=f"{', '.join(missing)} is missing or failed; {_HEAL}")
    return Part(state="running", detail=", ".join(state.deployed.stacks))

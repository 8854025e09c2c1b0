"""Fixtures that several rooms share: a real PostgreSQL server, a real LocalStack, and the whole platform."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from cli.sample import SampleShape, generate
from infra.outputs import Outputs
from local import processes
from local.servers.broker import Broker
from local.servers.localstack import LocalStack
from local.servers.postgres import PostgresServer
from tests.support import aws_calls
from tests.support.database import fresh_database, make_quick
from tests.support.platform import Platform, SampleFiles, running_platform

aws_calls.listen()


GROUPS = {
    "tests/platform/test_kills.py": "kills",
    "tests/platform/": "platform",
    "tests/browser/test_dashboard_gateway.py": "platform",
    "tests/browser/test_docs.py": "platform",
    "tests/engine/": "engine",
    "tests/local/": "localstack",
    "tests/cli/test_outputs.py": "localstack",
    "tests/browser/": "dashboard",
    "tests/infra/": "templates",
    "tests/api/": "api",
}
"""Which tests share a fixture that takes long to start: on several processes, those of a group run in one of them."""

FIRST = ("platform", "engine", "kills", "localstack", "dashboard", "templates", "api")
"""The groups begin in this order, before single files: what takes long and starts last leaves others without work."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Give each process the tests of one group after another; what is in no group stays with its file.

    Paths name the groups, as the marker `xdist_group` of pytest-xdist 3.8 has no effect under pytest 9.
    """
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = _group  # pytest-xdist documents no other way
    return scheduler


def _group(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return next((group for path, group in GROUPS.items() if file.startswith(path)), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the groups; of the platform's, end with what locks its API or all of it."""

    def turn(item: pytest.Item) -> tuple[int, bool, bool]:
        group, names = _group(item.nodeid), getattr(item, "fixturenames", ())
        place = FIRST.index(group) if group in FIRST else len(FIRST)
        return (place, "private_platform" in names, "locked" in names)

    items.sort(key=turn)


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder that other accounts may enter (pytest's own is closed, and PostgreSQL never runs as root)."""
    folder = Path(tempfile.mkdtemp(prefix="c360-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(scratch: Path) -> Iterator[PostgresServer]:
    """One PostgreSQL server for the whole session, on a port of its own."""
    server = PostgresServer(scratch / "postgres")
    with server.running():
        make_quick(server)
        yield server
    server.remove()


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a fresh, empty database, for one test."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real broker."""
    folder = tmp_path_factory.mktemp("kafka")
    broker = Broker(folder / "data", processes.free_port(24000), folder / "kafka.log")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def localstack(scratch: Path) -> Iterator[str]:
    """The endpoint URL of a bare LocalStack that runs Lambda functions; credentials test/test, region us-east-1."""
    with LocalStack(scratch / "localstack", processes.free_port()).running() as running:
        yield running.url


@pytest.fixture(scope="session")
def platform(scratch: Path) -> Iterator[Platform]:
    """A platform as `c360 up` starts it, empty; the nightly rule is disabled."""
    with running_platform(scratch / "platform") as platform:
        yield platform


@pytest.fixture(scope="session")
def sample(scratch: Path) -> SampleFiles:
    """Sample data of another seed than the demo's, with orders of several lines."""
    folder = scratch / "sample"
    generate(SampleShape(customers=1_000, products=200, transactions=20_000, seed=7, lines_per_order=3), folder)
    return SampleFiles(folder)


@pytest.fixture(scope="session")
def loaded(platform: Platform, sample: SampleFiles) -> dict[str, Any]:
    """The sample, dropped and loaded; the run's report."""
    platform.json("drop", *sample.paths, "--date", "2026-11-01")
    return platform.json("run", "--wait")


@pytest.fixture(scope="session")
def private_platform(platform: Platform) -> Platform:
    """The platform after `c360 up --private`: it takes its own keys only from now on."""
    outputs = Outputs.model_validate(platform.json("up", "--private", "--no-schedule"))
    return Platform(platform.stack, outputs, platform.c360)


@pytest.fixture(scope="session")
def locked(platform: Platform) -> Platform:
    """The platform after `c360 up --api-key`: its API Gateway asks for a key from now on."""
    outputs = Outputs.model_validate(platform.json("up", "--api-key", "--no-schedule"))
    return Platform(platform.stack, outputs, platform.c360)

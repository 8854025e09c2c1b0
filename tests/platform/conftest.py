"""The whole platform as `c360 up` starts it, once for all tests of this folder, in a folder and on ports of its own."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.sample import SampleShape, generate
from local import processes
from local.paths import REPOSITORY, Paths
from local.stack import EmbeddedStack, StackOptions
from tests.platform.platform import Platform, SampleFiles

C360 = REPOSITORY / ".venv" / "bin" / "c360"


@pytest.fixture(scope="session")
def platform(scratch: Path) -> Iterator[Platform]:
    """A running, deployed, empty platform; the nightly rule is disabled."""
    paths = Paths(scratch / "platform")
    ports = [processes.free_port(21000), processes.free_port(22000), processes.free_port(23000)]
    options = StackOptions(
        localstack_port=ports[0],
        postgres_port=ports[1],
        api_port=ports[2],
        kafka_port=processes.free_port(26000),
        schedule_enabled=False,
        database_url=None,
    )
    stack = EmbeddedStack(paths, options)
    try:
        outputs = stack.up(print)
        environment = {**os.environ, "C360_STATE_DIR": str(paths.state), "C360_TARGET": "embedded", "NO_COLOR": "1"}
        yield Platform(stack, outputs, lambda *arguments: _c360(environment, *arguments))
    finally:
        stack.down(print)


def _c360(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([C360, *arguments], env=environment, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture(scope="session")
def sample(scratch: Path) -> SampleFiles:
    """Sample data of another seed than the demo's, with orders of several lines."""
    folder = scratch / "sample"
    generate(SampleShape(customers=1_000, products=200, transactions=20_000, seed=7, lines_per_order=3), folder)
    return SampleFiles(folder)

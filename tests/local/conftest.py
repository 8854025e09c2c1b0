"""A platform with a tiny app, which the tests of this folder share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.paths import Paths
from local.state import State
from tests.support.tiny_stack import Lines, TinyStack, tiny_options


@pytest.fixture(scope="package")
def stack(scratch: Path) -> Iterator[TinyStack]:
    """A stack that is up; each test leaves it in whatever state, and starts with `up`."""
    stack = TinyStack(Paths(scratch / "stack"), tiny_options())
    stack.up(Lines())
    yield stack
    stack.down(Lines())
    stack._parts(State()).postgres.remove()

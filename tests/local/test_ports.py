"""A server that lost its port to another program, which answers just like it, does not take that for itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import processes
from local.errors import PortTakenError
from local.servers.broker import Broker
from local.servers.localstack import LocalStack


@pytest.fixture
def _found_free_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look at a port finds it free: the other program takes it right after."""
    looks: list[int] = []

    def port_is_free(port: int, really: Callable[[int], bool] = processes.port_is_free) -> bool:
        looks.append(port)
        return looks.count(port) == 1 or really(port)

    monkeypatch.setattr(processes, "port_is_free", port_is_free)


@contextmanager
def stopped(server: Broker | LocalStack) -> Iterator[None]:
    """Also where it has started, and the test fails."""
    try:
        yield
    finally:
        server.stop()


@pytest.mark.usefixtures("_found_free_at_first")
def test_another_broker_on_the_port_is_not_taken_for_the_own(broker: Broker, tmp_path: Path) -> None:
    late = Broker(tmp_path / "late", broker.port, tmp_path / "late.log")
    with stopped(late), pytest.raises(PortTakenError, match=f"Port {broker.port} is taken"):
        late.start()
    assert broker.answers()


@pytest.mark.usefixtures("_found_free_at_first")
def test_another_localstack_on_the_port_is_not_taken_for_the_own(localstack: str, scratch: Path) -> None:
    port = int(localstack.rpartition(":")[2])
    late = LocalStack(scratch / "late", port)
    with stopped(late), pytest.raises(PortTakenError, match=f"Port {port} is taken"):
        late.start()
    assert LocalStack(scratch / "localstack", port).health() is not None

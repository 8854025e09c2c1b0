"""The development broker gets nothing that it does not need."""

from pathlib import Path

import psutil
import pytest

from local import processes
from local.broker import Broker


def test_the_broker_inherits_nothing_and_works_in_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "HOME", "PATH"):
        monkeypatch.setenv(name, f"/of-the-developer/{name}")
    broker = Broker(tmp_path / "kafka", processes.free_port(), tmp_path / "kafka.log")
    broker.start()
    try:
        identity = broker.process()
        assert identity is not None
        process = psutil.Process(identity.pid)
        assert set(process.environ()) == {"PATH", "LANG"}
        assert "of-the-developer" not in str(process.environ())
        assert Path(process.cwd()) == broker.folder
        assert {connection.laddr.ip for connection in process.net_connections() if connection.status == "LISTEN"} == {
            "127.0.0.1"
        }
    finally:
        broker.stop()

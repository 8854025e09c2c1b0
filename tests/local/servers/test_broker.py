"""The development broker gets nothing that it does not need."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local import processes
from local.paths import REPOSITORY
from local.servers.broker import Broker
from local.servers.confined import landlock_version
from local.servers.postgres_account import server_account

PROBE = r"""
try() { if eval "$2" 2>/dev/null; then echo "$1"; fi; }
try "writes in its folder" 'echo x > inside'
try "reads in its folder" 'read -r line < inside'
try "writes elsewhere" 'echo x > "$OUTSIDE/new"'
try "reads elsewhere" 'read -r line < "$OUTSIDE/secret"'
try "lists elsewhere" '[ -n "$(compgen -G "$OUTSIDE/*")" ]'
try "reads the system" 'read -r line < /etc/passwd'
try "starts programs" '/bin/true'
try "connects" 'exec 3<>/dev/tcp/127.0.0.1/$PORT'
try "signals" 'kill -CONT $PPID'
"""


def _probe(folder: Path, *, confined: bool) -> set[str]:
    """What a shell can do, with a file beside its folder, a server on this machine, and a process that started it."""
    data, outside = folder / "data", folder / "outside"
    for each in (data, outside):
        each.mkdir(exist_ok=True)
    (outside / "secret").write_text("secret\n")
    bash = ["/bin/bash", "-c", PROBE]
    launcher = [sys.executable, "-I", str(REPOSITORY / "local" / "servers" / "confined.py"), "--folder", str(data)]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = subprocess.run(
            [*launcher, "--port", str(port), "--", *bash] if confined else bash,
            cwd=data,
            env={"PATH": os.defpath, "OUTSIDE": str(outside), "PORT": str(port)},
            capture_output=True,
            text=True,
            check=True,
        )
    return set(done.stdout.splitlines())


@pytest.mark.skipif(landlock_version() < 6, reason="this kernel has no Landlock that keeps network and signals too")
def test_a_confined_program_reaches_its_own_folder_only(tmp_path: Path) -> None:
    assert len(_probe(tmp_path, confined=False)) == 9, "it can do all of that where nothing holds it"
    assert _probe(tmp_path, confined=True) == {"writes in its folder", "reads in its folder"}


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
        assert Path(process.cwd()) == broker.folder / "data"
        account = server_account()
        assert not {0, account.uid if account else 0} & set(process.uids()), "neither root nor PostgreSQL's account"
        assert "NoNewPrivs:\t1\n" in Path(f"/proc/{identity.pid}/status").read_text()
        assert {connection.laddr.ip for connection in process.net_connections() if connection.status == "LISTEN"} == {
            "127.0.0.1"
        }
    finally:
        broker.stop()

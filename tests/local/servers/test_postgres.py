"""The PostgreSQL launcher: data kept, crashes survived, loopback only, never as root."""

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from local import processes
from local.errors import LocalError, PortTakenError
from local.servers import postgres_account
from local.servers.postgres import PostgresServer


@pytest.fixture
def server(scratch: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(scratch / f"postgres-{uuid.uuid4().hex[:8]}")
    yield server
    server.remove()


def _run(server: PostgresServer, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_data_and_password_outlive_the_server(server: PostgresServer) -> None:
    with server.running():
        _run(server, "create table kept as select 7 as answer")
        password = server.password
    assert server.process() is None
    with server.running():
        assert _run(server, "select answer from kept") == [(7,)]
        assert server.password == password


def test_only_the_right_password_is_let_in(server: PostgresServer) -> None:
    with server.running():
        wrong = server.url.replace(server.password, "wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
    assert (server.folder / "password").stat().st_mode & 0o077 == 0


def test_it_listens_on_loopback_only_and_not_as_root(server: PostgresServer) -> None:
    with server.running():
        identity = server.process()
        process = processes.find(identity)
        assert process is not None
        assert {c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
        assert process.uids().effective != 0


def test_a_killed_server_recovers_what_was_committed(server: PostgresServer) -> None:
    server.start()
    _run(server, "create table kept as select 7 as answer")
    identity = server.process()
    assert identity is not None
    os.kill(identity.pid, signal.SIGKILL)
    assert server.process() is None or processes.find(identity) is None
    with server.running():
        assert _run(server, "select answer from kept") == [(7,)]


def test_a_lock_file_whose_process_id_was_reused_does_not_stop_it(server: PostgresServer) -> None:
    with server.running():
        pass
    account = postgres_account.server_account()
    stranger = subprocess.Popen(
        ["sleep", "60"],
        user=account.uid if account else None,
        cwd="/",
    )
    try:
        lock = server.folder / "cluster" / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{lock.parent}\n0\n5432\n\n127.0.0.1\n0 0\nready   \n")
        with server.running():
            assert _run(server, "select 1") == [(1,)]
        assert stranger.poll() is None, "a foreign process was killed"
    finally:
        stranger.kill()
        stranger.wait()


def test_data_of_another_major_version_is_named_and_left_alone(server: PostgresServer) -> None:
    with server.running():
        pass
    version = server.folder / "cluster" / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(LocalError, match=r"is of PostgreSQL 15, the installed server is \d+; move that folder away"):
        server.start()
    assert version.exists()


def test_an_interrupted_first_start_is_begun_again(server: PostgresServer) -> None:
    half = server.folder / "cluster" / "base"
    half.mkdir(parents=True)
    (half / "leftover").touch()
    with server.running():
        assert _run(server, "select current_database()") == [("c360",)]


def test_a_taken_port_is_an_error_and_its_owner_untouched(
    server: PostgresServer, postgres_server: PostgresServer
) -> None:
    second = PostgresServer(server.folder, port=postgres_server.port)
    with pytest.raises(PortTakenError, match=f"Port {postgres_server.port} is taken"):
        second.start()
    assert postgres_server.process() is not None


def test_starting_a_running_server_changes_nothing(server: PostgresServer) -> None:
    with server.running():
        before = server.process()
        PostgresServer(server.folder).start()
        assert server.process() == before


def test_a_program_that_fails_is_explained_by_its_error_not_by_how_it_tidies_up(scratch: Path) -> None:
    says = "echo 'initdb: error: could not write: No space left on device' >&2; echo initdb: removing >&2; exit 1"
    with pytest.raises(LocalError, match=r"PostgreSQL's sh failed: initdb: error: .*No space left on device"):
        postgres_account.run_as_account(["sh", "-c", says], scratch)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that PostgreSQL's account cannot reach")
def test_as_root_closed_parent_folders_are_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in (postgres_account._PACKAGE, postgres_account._PACKAGE.with_suffix(".libs")):
        if part.exists():
            shutil.copytree(part, closed / part.name, symlinks=True)
    open_folder = Path(tempfile.mkdtemp(prefix="c360-elsewhere-"))
    monkeypatch.setattr(postgres_account, "_PACKAGE", closed / postgres_account._PACKAGE.name)
    monkeypatch.setattr(postgres_account, "ELSEWHERE", open_folder)
    postgres_account._copied_package.cache_clear()
    server = PostgresServer(closed / "state" / "postgres")
    try:
        with server.running():
            assert _run(server, "select 1") == [(1,)]
        with server.running():
            assert _run(server, "select 1") == [(1,)]
        server.remove()
        assert not list(open_folder.glob("data-*"))
    finally:
        server.remove()
        shutil.rmtree(open_folder)
        postgres_account._copied_package.cache_clear()

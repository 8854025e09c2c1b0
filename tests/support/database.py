"""Fresh databases on the tests' own PostgreSQL server; a database that was prepared once can serve as template."""

import contextlib
import uuid
from collections.abc import Iterator

import psycopg
from psycopg import sql

from local.servers.postgres import PostgresServer


def make_quick(server: PostgresServer) -> None:
    """Sync nothing to disk and hash passwords once: a test's server need not survive a power cut. Halves the time."""
    with psycopg.connect(server.url_for("postgres"), autocommit=True) as connection:
        connection.execute("alter system set fsync = off")
        connection.execute("alter system set scram_iterations = 1")
        connection.execute("select pg_reload_conf()")


@contextlib.contextmanager
def fresh_database(server: PostgresServer, template: str = "template0") -> Iterator[str]:
    """A new database, copied from `template` (to which nobody may be connected); yields the administrator's URL.

    It is dropped afterwards, whoever is still connected.
    """
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url_for("postgres"), autocommit=True) as connection:
        statement = sql.SQL("create database {} template {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield server.url_for(name)
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

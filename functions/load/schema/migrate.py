"""Bring the database to the schema that sql/migrations describes, and its roles to their rights."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import MigrationError
from functions.common.sql_files import SQL_FOLDER, read_sql
from functions.load.schema.declared import declare
from functions.model.declaration import Model
from functions.model.metrics import MetricLayer, load_metrics
from functions.model.reading import load_model

ROLES = ("c360_loader", "c360_api", "c360_stream", "c360_bi", "c360_bi_persons")
MINIMUM_SERVER_VERSION = 160000
_ADVISORY_LOCK = 0x6333_3630  # "c360": for a new database, in which nobody else has a role yet


class NewerDatabaseError(MigrationError):
    """The database holds a migration that this release does not know."""


@dataclass(frozen=True)
class Migration:
    """One file of sql/migrations, `NNNN_name.sql`. Forward only: once applied, its text never changes."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_migrations(folder: Path = SQL_FOLDER / "migrations") -> list[Migration]:
    """The migrations in order. Raises MigrationError when a name is off or a number is missing or taken twice."""
    migrations: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if match is None:
            raise MigrationError("a migration is named NNNN_name.sql", file=path.name)
        migrations.append(Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    if [migration.version for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise MigrationError("the migrations are not numbered 1, 2, 3, … without gaps")
    return migrations


def migrate(
    connection: Connection,
    role_passwords: Mapping[str, str | None],
    migrations: list[Migration] | None = None,
    model: Model | None = None,
    layer: MetricLayer | None = None,
) -> list[str]:
    """Apply what is missing, in one transaction, one migrator at a time; return the names of what was applied.

    `role_passwords`: for each of ROLES its password, or None where it signs in by IAM (the role is then granted
    `rds_iam`). A role that is not named can not sign in. Raises NewerDatabaseError when the database was migrated by a
    newer release, and MigrationError when it is older than PostgreSQL 16 or holds a migration whose text has changed
    since; either leaves the database as it was.
    """
    migrations = read_migrations() if migrations is None else migrations
    model = load_model() if model is None else model
    with connection.transaction():
        _check_server(connection)
        _wait_for_others(connection)
        _ensure_roles(connection, role_passwords)
        pending = _pending(connection, migrations)
        for migration in pending:
            connection.execute(sql.SQL(migration.text))
            connection.execute(
                "insert into metadata.migration (version, name, checksum) values (%s, %s, %s)",
                (migration.version, migration.name, migration.checksum),
            )
        declare(connection, model, load_metrics() if layer is None else layer)
        connection.execute(read_sql("roles/grants.sql"))
    return [migration.name for migration in pending]


def _check_server(connection: Connection) -> None:
    if connection.info.server_version < MINIMUM_SERVER_VERSION:
        raise MigrationError("PostgreSQL 16 or newer is needed", version=connection.info.server_version)


def _wait_for_others(connection: Connection) -> None:
    """Be the only migrator until the transaction ends, by a lock that only a writer of the ledger can take."""
    if connection.execute("select to_regclass('metadata.migration')").fetchone() == (None,):
        connection.execute("select pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
        connection.execute("create schema if not exists metadata")
        connection.execute(read_sql("load/create_migration_ledger.sql"))
    connection.execute("lock table metadata.migration in share row exclusive mode")


def _pending(connection: Connection, migrations: list[Migration]) -> list[Migration]:
    rows = connection.execute("select version, checksum from metadata.migration").fetchall()
    applied: dict[int, str] = dict(rows)
    known = {migration.version: migration.checksum for migration in migrations}
    for version, checksum in applied.items():
        if version not in known:
            raise NewerDatabaseError("the database was migrated by a newer release of this software", version=version)
        if known[version] != checksum:
            raise MigrationError("a migration that has been applied was edited; add a new one", version=version)
    return [migration for migration in migrations if migration.version not in applied]


def _ensure_roles(connection: Connection, role_passwords: Mapping[str, str | None]) -> None:
    unknown = set(role_passwords) - set(ROLES)
    if unknown:
        raise MigrationError("unknown database roles", roles=sorted(unknown))
    for role in ROLES:
        identifier = sql.Identifier(role)
        if not connection.execute("select from pg_roles where rolname = %s", (role,)).fetchall():
            connection.execute(sql.SQL("create role {} nologin").format(identifier))
        # the migrator hands staging tables to the loader, for which it must be a member of that role
        connection.execute(sql.SQL("grant {} to current_user").format(identifier))
        if role not in role_passwords:
            continue
        password = role_passwords[role]
        if password is None:
            connection.execute(sql.SQL("alter role {} login").format(identifier))
            connection.execute(sql.SQL("grant rds_iam to {}").format(identifier))
        else:
            connection.execute(sql.SQL("alter role {} login password {}").format(identifier, password))
            # its members sign in by token only
            if connection.execute(read_sql("load/is_member_of_rds_iam.sql"), {"role": role}).fetchall():
                connection.execute(sql.SQL("revoke rds_iam from {}").format(identifier))

"""The same content at the same effective instant is loaded once, whatever its name."""

from psycopg import errors as pg

from functions.common.database import Connection
from functions.common.sql_files import read_sql


class RepeatedContentError(Exception):
    """Another object with this content at this effective instant has been staged or loaded."""

    def __init__(self, content_sha256: bytes) -> None:
        self.content_sha256 = content_sha256
        super().__init__("the same content at the same effective instant is there already")


def claim_content(connection: Connection, object_id: int, content_sha256: bytes) -> None:
    """Note the content in the ledger, whose unique index lets only one object have it at one effective instant.

    An object that repeats another one after other content came in between is not refused: it says again what that
    content has overruled (metadata.overruled_repetition), or what is about to count no longer
    (metadata.orphaned_repetition). Raises RepeatedContentError.
    """
    try:
        with connection.transaction():
            connection.execute(
                "update metadata.object_version set content_sha256 = %s, status = 'STAGED', reasserts = false"
                " where object_id = %s",
                (content_sha256, object_id),
            )
    except pg.UniqueViolation as error:
        if not _reasserted(connection, object_id, content_sha256):
            raise RepeatedContentError(content_sha256) from error


def _reasserted(connection: Connection, object_id: int, content_sha256: bytes) -> bool:
    connection.execute(
        "update metadata.object_version set content_sha256 = %s where object_id = %s", (content_sha256, object_id)
    )
    return bool(
        connection.execute(
            "update metadata.object_version set status = 'STAGED', reasserts = true"
            " where object_id = %(object_id)s and (object_id in (select object_id from metadata.overruled_repetition)"
            " or object_id in (select object_id from metadata.orphaned_repetition))",
            {"object_id": object_id},
        ).rowcount
    )


def wake_repetitions(connection: Connection, run_id: str) -> None:
    """Plan again, for this run, what was set aside as a repetition and through this run is one no more."""
    connection.execute(read_sql("load/wake_repetitions.sql"), {"run_id": run_id})

"""The planner's statistics: those of before a load are wrong for the steps after it."""

from functions.common.database import Connection


def refresh_statistics(connection: Connection, schema: str, table: str, new_rows: int) -> None:
    """Refresh a table's statistics if its new rows are many (migration 0016 says how many).

    Autovacuum does so too, but not before the transaction ends, and the next steps of a load come sooner.
    """
    connection.execute("select metadata.refresh_statistics(%s, %s, %s)", (schema, table, new_rows))

"""A connection that is cut at any statement."""

from typing import Any

import psycopg

from functions.common.database import Connection


class Sabotage:
    """Cuts a connection just before its n-th statement, as the death of the handler does."""

    def __init__(self) -> None:
        self.statements_left = 0

    def count(self, cursor: psycopg.Cursor[Any]) -> None:
        self.statements_left -= 1
        if self.statements_left == 0:
            cursor.connection.pgconn.finish()

    def applied_to(self, connection: Connection) -> Connection:
        """The connection, with statements that count."""
        sabotage = self

        class CountedCursor(psycopg.Cursor[Any]):
            def execute(self, *args: Any, **kwargs: Any) -> "CountedCursor":
                sabotage.count(self)
                return super().execute(*args, **kwargs)

            def executemany(self, *args: Any, **kwargs: Any) -> None:
                sabotage.count(self)
                super().executemany(*args, **kwargs)

            def copy(self, *args: Any, **kwargs: Any) -> Any:
                sabotage.count(self)
                return super().copy(*args, **kwargs)

        connection.cursor_factory = CountedCursor
        return connection

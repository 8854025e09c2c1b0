"""A connection that is cut at any statement."""

import itertools
from collections.abc import Callable, Iterator
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


def cut_at_every_statement(connect: Callable[[], Connection], step: Callable[[Connection], object]) -> Iterator[int]:
    """Run `step` cut at its first statement, then at its second, and so on until it is done; yields after each cut."""
    sabotage = Sabotage()
    for at in itertools.count(1):
        sabotage.statements_left = at
        try:
            with sabotage.applied_to(connect()) as connection:
                step(connection)
            return
        except psycopg.OperationalError:
            yield at

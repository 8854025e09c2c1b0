"""A night whose steps share one connection, as those of a warm Lambda function do."""

from dataclasses import dataclass
from typing import Any

import psycopg

from functions.common.database import Connection
from tests.support.night import Night, role_url


class KeptConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that outlives its `with` blocks, as that of a warm Lambda function does."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.commit()
        else:
            self.rollback()


@dataclass
class WarmNight(Night):
    """A night whose steps share one connection."""

    at_once: int = 1
    kept: KeptConnection | None = None

    def connect(self) -> Connection:
        if self.kept is None:
            self.kept = KeptConnection.connect(role_url(self.admin_url, "c360_loader"), options="-c timezone=UTC")
        return self.kept

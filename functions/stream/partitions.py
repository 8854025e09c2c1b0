"""Partitions of the event link: a few days ahead and behind exist before an event needs them."""

from datetime import date, timedelta

from psycopg import errors as pg

from functions.common.database import ConnectionHolder
from functions.common.logging import logger
from functions.stream.settings import StreamSettings

DAYS_AHEAD = 3
DAYS_BEHIND = 7
_LOCK_TIMEOUT = "2s"


class PartitionKeeper:
    """Keeps the partitions of one execution environment's days; asks the database once a day."""

    def __init__(self) -> None:
        self._kept_for: date | None = None

    def keep(self, connections: ConnectionHolder, settings: StreamSettings, today: date) -> None:
        """Make what is missing around `today` (UTC); retention, which drops what is old, is the nightly load's.

        In a transaction of its own that gives up when others are in the way: the default partition takes what has no
        day's, and the next environment, or the next day, tries again. Raises TransientError when the connection is
        lost.
        """
        if self._kept_for == today:
            return
        made = _make(connections, settings, today - timedelta(days=DAYS_BEHIND), today + timedelta(days=DAYS_AHEAD))
        self._kept_for = today
        if made:
            logger.info("partitions made", extra={"made": made})


def _make(connections: ConnectionHolder, settings: StreamSettings, first: date, last: date) -> int | None:
    with connections.transaction(settings) as connection:
        try:
            with connection.transaction():
                connection.execute("select set_config('lock_timeout', %s, true)", (_LOCK_TIMEOUT,))
                row = connection.execute("select metadata.make_event_partitions(%s, %s)", (first, last)).fetchone()
        except (pg.LockNotAvailable, pg.DeadlockDetected):
            logger.warning("partitions are in use and stay as they are for now")
            return None
    return int(row[0]) if row else 0

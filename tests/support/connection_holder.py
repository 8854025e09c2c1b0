"""A holder whose connection tests can close, so that none is left open."""

from functions.common.database import ConnectionHolder


class ClosingHolder(ConnectionHolder):
    """As in Lambda, but it can be closed."""

    def close(self) -> None:
        """Close what is open."""
        if self._connection is not None:
            self._connection.close()

"""Mistakes of callers, and too much of them at once, raised where they are noticed and answered in `problems.py`."""

from functions.common.errors import C360Error, TransientError


class BadParameterError(C360Error):
    """A query parameter's value is not as documented; the message says what it must be."""

    def __init__(self, parameter: str, message: str) -> None:
        self.parameter = parameter
        super().__init__(message)


class CostlyBusyError(TransientError):
    """As many costly requests as may be are answered now; others are not concerned."""

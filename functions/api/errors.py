"""Mistakes of callers, raised where they are noticed and answered in `problems.py`."""

from functions.common.errors import C360Error


class BadParameterError(C360Error):
    """A query parameter's value is not as documented; the message says what it must be."""

    def __init__(self, parameter: str, message: str) -> None:
        self.parameter = parameter
        super().__init__(message)

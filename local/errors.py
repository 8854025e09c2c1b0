"""The one error that running the platform on this machine raises."""


class LocalError(Exception):
    """Something on this machine is in the way; the message is one line that says what it is and what to do.

    `detail` carries more lines for whoever wants them (the end of a log, a list of resources).
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class PortTakenError(LocalError):
    """Another program already listens on the port that was asked for."""


class StackNotRunningError(LocalError):
    """No stack is deployed on this machine, or not completely."""

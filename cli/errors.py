"""Errors of the command line: each is one clear line, and what to do about it."""

from functions.common.errors import C360Error


class CliError(C360Error):
    """A command could not do its work. `code` names the kind in JSON; `exit_status` is the process's."""

    code = "error"
    exit_status = 1


class UsageError(CliError):
    """The arguments do not make sense together."""

    code = "usage"
    exit_status = 2


class FileProblemError(CliError):
    """A file is missing, unreadable, or not ours to overwrite."""

    code = "file"


class DeploymentError(CliError):
    """There is no deployment to talk to, or it does not answer."""

    code = "deployment"


class RunFailedError(CliError):
    """A load ended in another state than SUCCEEDED."""

    code = "run_failed"


class RunTimeoutError(CliError):
    """A load was still running when --timeout had passed; it goes on running."""

    code = "timeout"


class QueryError(CliError):
    """The database refused a statement."""

    code = "query"


class MismatchError(CliError):
    """Figures that must be equal are not."""

    code = "mismatch"

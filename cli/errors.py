"""Errors of the command line: each is one clear line, and what to do about it."""

from functions.common.errors import C360Error


class CliError(C360Error):
    """A command could not do its work. `code` names the kind in JSON; `exit_status` is the process's.

    `is_reported` says that the command has printed its JSON object, with this error in it, already.
    """

    code = "error"
    exit_status = 1
    is_reported = False


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


class AwsError(CliError):
    """An AWS API refused a call."""

    code = "aws"


class LocalProblemError(CliError):
    """Something on this machine is in the way of the local platform."""

    code = "local"


class RunFailedError(CliError):
    """A load ended in another state than SUCCEEDED."""

    code = "run_failed"


class RunTimeoutError(CliError):
    """A load was still running when --timeout had passed; it goes on running."""

    code = "timeout"


class FunctionFailedError(CliError):
    """A deployed function raised."""

    code = "function_failed"


class QueryError(CliError):
    """The database refused a statement, or cannot be reached."""

    code = "query"


class ModelProblemsError(CliError):
    """The model file is wrong, or takes away what the vault holds."""

    code = "model"


class MismatchError(CliError):
    """Figures that must be equal are not."""

    code = "mismatch"


def translated(error: Exception) -> CliError:
    """Any failure as one that has a line for people: ours as they are, known libraries' by what they mean."""
    from botocore.exceptions import BotoCoreError, ClientError

    from local.errors import LocalError

    match error:
        case CliError():
            return error
        case C360Error():
            return CliError(error.message, **error.fields)
        case LocalError():
            return LocalProblemError(str(error), **({"detail": error.detail} if error.detail else {}))
        case ClientError():
            details = error.response.get("Error", {})
            return AwsError(
                f"{error.operation_name}: {details.get('Message') or details.get('Code')}",
                aws_error=details.get("Code"),
            )
        case BotoCoreError():
            return DeploymentError(_meaning(error))
        case _:
            return CliError(f"{type(error).__name__}: {error} (C360_DEBUG=1 shows where)")


def _meaning(error: Exception) -> str:
    from botocore import exceptions as boto

    match error:
        case boto.EndpointConnectionError() | boto.ConnectionClosedError() | boto.ReadTimeoutError():
            return f"{error} Is the platform up? See `c360 status`."
        case boto.NoCredentialsError() | boto.PartialCredentialsError() | boto.TokenRetrievalError():
            return f"no AWS credentials: {error}. Sign in (aws sso login) or set AWS_PROFILE"
        case boto.NoRegionError():
            return "no AWS region: set AWS_REGION, or a region in your AWS profile"
        case _:
            return str(error)

"""Which failures of an AWS API are worth another try, said once for every service that the functions call."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from functions.common.errors import TransientError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_THROTTLED = {"SlowDown", "ThrottlingException", "TooManyRequestsException"}


@contextmanager
def aws_failures_named(service: str, raised: type[TransientError]) -> Iterator[None]:
    """Turn botocore's failures that another try may cure into `raised`; let all others pass."""
    from botocore import exceptions as boto  # here, since steps that call no AWS API need not load it

    try:
        yield
    except (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError) as error:
        raise raised(f"{service} cannot be reached: {error}") from error
    except boto.ClientError as error:
        if is_transient(error):
            raise raised(f"{service} cannot serve now: {error}") from error
        raise


def is_transient(error: "ClientError") -> bool:
    """Whether AWS could not serve this call, and may serve the next one."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or status == 429 or error.response.get("Error", {}).get("Code") in _THROTTLED

"""What an execution environment makes once and keeps between invocations: settings, a client of S3, a connection."""

from functools import cache
from typing import TYPE_CHECKING, Any

from functions.common.database import ConnectionHolder
from functions.common.landing import s3_client
from functions.common.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

connections = ConnectionHolder()


def settings[S: Settings](kind: type[S]) -> S:
    """The environment's settings of this kind. Raises SettingsError."""
    parsed: S = _settings(kind)
    return parsed


@cache
def _settings(kind: type[Settings]) -> Any:
    return kind.from_environment()


@cache
def s3() -> "S3Client":
    """The client of S3."""
    return s3_client()

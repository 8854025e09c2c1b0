"""What the API is told by its environment: the database's variables and the two of its own."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from functions.common.settings import DatabaseSettings


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _without_trailing_slash(value: object) -> object:
    return value.rstrip("/") if isinstance(value, str) else value


class ApiSettings(DatabaseSettings):
    """Settings of the API: `ApiSettings.from_environment()`.

    api_root_path: what stands before the route in the public URL (API Gateway's stage, `/v1`), or nothing.
    cors_allowed_origins: origins whose pages may read the answers, comma-separated; `*` for any. Credentials
    (cookies) are never allowed.
    """

    api_root_path: Annotated[str, BeforeValidator(_without_trailing_slash), Field(pattern=r"^(/[^\s?#]+)?$")] = ""
    cors_allowed_origins: Annotated[tuple[str, ...], BeforeValidator(_split)] = ("*",)

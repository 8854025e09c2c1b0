"""The API's settings from the environment: the database's variables and its own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from functions.common.settings import DatabaseSettings

Scope = Literal["profile:read", "pii:read", "shares:manage"]
"""`profile:read` opens the data endpoints, `pii:read` shows names, e-mail addresses and phone numbers in them,
`shares:manage` lists and ends the share links of others."""

HTTPS_URL = r"^(https://\S+|http://(127\.0\.0\.1|localhost)[:/]\S*)?$"


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _without_trailing_slash(value: object) -> object:
    return value.rstrip("/") if isinstance(value, str) else value


def _json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


class ApiSettings(DatabaseSettings):
    """Settings of the API: `ApiSettings.from_environment()`.

    allowed_hosts: the names by which callers may call the server, comma-separated; `*` for any, since in Lambda API
    Gateway knows its own.
    audit_spool: a folder for records of the audit trail on their way to the database; without it they are there before
    an answer is sent.
    api_required_key: what callers must send as `X-Api-Key`, where no API Gateway asks them; nothing by default.
    api_root_path: what stands before the route in the public URL (API Gateway's stage, `/v1`), or nothing.
    cors_allowed_origins: origins whose pages may read the answers, comma-separated; `*` for any, none by default.
    cors_allow_credentials: whether those pages may send cookies and the like; never together with `*`.
    api_auth: "open" lets every caller in, "jwt" asks for a bearer token of `jwt_issuer`.
    api_open_scopes: the scopes that every caller has while `api_auth` is "open".
    jwt_issuer, jwt_audience: what the token's `iss` and its `aud` (or Cognito's `client_id`) must be.
    jwt_scope_prefix: what the issuer puts before our scopes, `https://c360/` for instance where Cognito's resource
    server is `https://c360`; scopes are compared whole, so others do not count.
    jwt_jwks, jwt_jwks_url: the issuer's public keys, as a JSON Web Key Set or where to fetch it; by default
    `<issuer>/.well-known/jwks.json`. A function without a route to the internet reads a copy in S3, `s3://bucket/key`.
    """

    allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_split)] = ("*",)
    api_required_key: Annotated[str, Field(repr=False)] = ""
    audit_spool: Path | None = None
    api_root_path: Annotated[str, BeforeValidator(_without_trailing_slash), Field(pattern=r"^(/[^\s?#]+)?$")] = ""
    cors_allowed_origins: Annotated[tuple[str, ...], BeforeValidator(_split)] = ()
    cors_allow_credentials: bool = False
    api_auth: Literal["open", "jwt"] = "open"
    api_open_scopes: Annotated[tuple[Scope, ...], BeforeValidator(_split)] = ("profile:read", "pii:read")
    jwt_issuer: Annotated[str, Field(pattern=HTTPS_URL)] = ""
    jwt_audience: str = ""
    jwt_scope_prefix: str = ""
    jwt_jwks: Annotated[dict[str, Any] | None, BeforeValidator(_json)] = None
    jwt_jwks_url: Annotated[str, Field(pattern=rf"{HTTPS_URL}|^s3://[^/]+/.+$")] = ""

    @field_validator("cors_allow_credentials")
    @classmethod
    def _credentials_only_for_named_origins(cls, value: bool, given: ValidationInfo) -> bool:
        origins = given.data.get("cors_allowed_origins", ())
        if value and (not origins or "*" in origins):
            raise ValueError("needs CORS_ALLOWED_ORIGINS that name the origins, not *")
        return value

    @property
    def keys_url(self) -> str:
        """Where the issuer publishes its keys."""
        return self.jwt_jwks_url or f"{self.jwt_issuer.rstrip('/')}/.well-known/jwks.json"

    @classmethod
    def _missing(cls, values: Mapping[str, object]) -> list[str]:
        missing = super()._missing(values)
        if values.get("api_auth") == "jwt":
            missing += [name.upper() for name in ("jwt_issuer", "jwt_audience") if not values.get(name)]
        return missing

"""Settings of the functions: environment variables, parsed once into frozen objects. Nothing else reads them."""

import json
import os
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from functions.common.errors import SettingsError

Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseModel):
    """Fields are the environment variables of the same name in upper case."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Parse `environment` (the process's by default).

        Raises SettingsError naming every variable that is missing or wrong, never its value.
        """
        source = os.environ if environment is None else environment
        values = {name: source[name.upper()] for name in cls.model_fields if source.get(name.upper())}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            wrong = [f"{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors(include_input=False)]
            wrong += [f"{name} not set" for name in cls._missing(values)]
            raise SettingsError(f"the environment is not complete: {'; '.join(wrong)}") from None

    @classmethod
    def _missing(cls, _values: Mapping[str, object]) -> list[str]:
        """Variables that these values call for and do not hold."""
        return []


class DatabaseSettings(Settings):
    """Where PostgreSQL is and how to sign in.

    Either `database_url`, a libpq URL (tools and tests), or the parts. With `database_auth` "iam" the password is
    a token signed for the moment (RDS IAM authentication), with "secret" it is the `password` of the JSON secret
    `database_secret_arn`. `database_wake_seconds`: how long to go on trying when the server may be paused; 0: it never
    is. A session that is idle keeps it awake, so it is then ended after a while. `database_connections`: how many a
    process of the API opens at most. `database_pooled`: the server is RDS Proxy, which takes no settings with the
    sign-in, and shares no connection that has prepared a statement: the role's own settings hold.
    """

    database_url: SecretStr | None = None
    database_host: str = ""
    database_port: Port = 5432
    database_name: str = "c360"
    database_user: str = ""
    database_auth: Literal["secret", "iam"] = "secret"
    database_secret_arn: str = ""
    database_ssl_mode: Literal["disable", "require", "verify-ca", "verify-full"] = "verify-full"
    database_ssl_root_cert: str = ""
    database_wake_seconds: Annotated[float, Field(ge=0, le=600)] = 0
    database_connections: Annotated[int, Field(ge=1, le=20)] = 4
    database_pooled: bool = False

    def model_post_init(self, _context: object, /) -> None:
        missing = self._missing(dict(self))
        if missing:
            raise SettingsError(f"the environment is not complete: {', '.join(missing)} not set")

    @classmethod
    def _missing(cls, values: Mapping[str, object]) -> list[str]:
        if values.get("database_url") is not None:
            return []
        needed = ["database_host", "database_user"]
        if values.get("database_auth", "secret") == "secret":
            needed.append("database_secret_arn")
        return [name.upper() for name in needed if not values.get(name)]


class LandingSettings(Settings):
    """The bucket that files are dropped in; those above `landing_split_bytes` are staged in parts of that size."""

    landing_bucket: str
    landing_split_bytes: Annotated[int, Field(ge=1)] = 64 << 20


class AuditSettings(Settings):
    """The bucket that the audit trail is copied to, if any."""

    audit_bucket: str = ""


class LakeSettings(Settings):
    """The bucket that the marts are exported to."""

    lake_bucket: str


class EngineSettings(Settings):
    """The bucket of the Iceberg tables, and of the jobs for Spark."""

    warehouse_bucket: str


def _parse_json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


class MigrateSettings(Settings):
    """`database_role_secrets`: database role -> ARN of the secret that holds its password."""

    database_role_secrets: Annotated[dict[str, str], BeforeValidator(_parse_json)] = Field(default_factory=dict)

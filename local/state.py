"""What a local stack remembers between commands (stack.json), and what it reports about itself."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from functions.common.vault_engine import Engine
from infra.outputs import Outputs

SCHEMA_VERSION = 2


class StackOptions(BaseModel):
    """How to start a stack. Ports are preferences: where one is taken, the next free one is used, and kept.

    `private`: only holders of this installation's access key get into LocalStack; None leaves it as it was.
    `engine`: what loads the vault; None leaves it as it was, which is PostgreSQL at first.
    `database_url` is an existing PostgreSQL to use instead of an own one; by default `$DATABASE_URL`, if set.
    """

    model_config = ConfigDict(frozen=True)

    localstack_port: int = 4566
    postgres_port: int = 5432
    api_port: int = 8000
    kafka_port: int = 9092
    schedule_enabled: bool = True
    on_arrival: bool = False
    lake: bool = False
    api_key: bool = False
    private: bool | None = None
    engine: Engine | None = None
    database_url: str | None = Field(default_factory=lambda: os.environ.get("DATABASE_URL") or None)
    alert_email: str | None = None


class Part(BaseModel):
    """One part of a stack as it is at this moment."""

    model_config = ConfigDict(frozen=True)

    state: Literal["running", "stopped", "unhealthy"]
    pid: int | None = None
    port: int | None = None
    detail: str = ""


class Status(BaseModel):
    """The parts of a stack, looked at now."""

    model_config = ConfigDict(frozen=True)

    localstack: Part
    postgres: Part
    api: Part
    kafka: Part
    event_source: Part
    spark: Part | None = None
    deployment: Part
    disk: Part

    @model_serializer(mode="wrap")
    def _without_what_is_not_used(self, as_it_is: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Spark is a part only where it loads the vault."""
        parts: dict[str, Any] = as_it_is(self)
        return {name: part for name, part in parts.items() if part is not None}


class Port(BaseModel):
    """A port in use, and the one that was preferred."""

    preferred: int
    used: int


class Deployed(BaseModel):
    """The last complete deployment: of which inputs, into which life of LocalStack, for which database."""

    inputs: str
    localstack: str
    database: str
    stacks: list[str]
    outputs: Outputs


class State(BaseModel):
    """stack.json."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)] = SCHEMA_VERSION
    ports: dict[str, Port] = Field(default_factory=dict)
    private: bool = False
    engine: Engine = "postgresql"
    spark_inputs: str = ""
    database_url: str | None = None
    api_inputs: str = ""
    api_function: str = ""
    event_source_inputs: str = ""
    deployed: Deployed | None = None
    deploying: str = ""  # the life of LocalStack that a deployment was begun in, until it is complete

    @classmethod
    def load(cls, file: Path) -> "State | None":
        """The state in `file`; None when there is none, or none that this version understands."""
        try:
            return cls.model_validate_json(file.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def save(self, file: Path) -> None:
        """Replace `file` in one step, readable by its owner only: it holds the database's password."""
        fresh = file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(self.model_dump_json(indent=2))
        fresh.replace(file)

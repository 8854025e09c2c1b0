"""Options that several commands share, so that they read and behave the same everywhere."""

from enum import StrEnum
from typing import Annotated

import typer


class EngineName(StrEnum):
    """What loads the raw vault."""

    POSTGRESQL = "postgresql"
    SPARK = "spark"


class Target(StrEnum):
    """Where the platform runs."""

    EMBEDDED = "embedded"
    LOCALSTACK = "localstack"
    AWS = "aws"


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout, also on failure.")]
TargetOption = Annotated[
    Target,
    typer.Option(
        "--target",
        envvar="C360_TARGET",
        help="Where the platform runs: this machine, the LocalStack container, or AWS.",
    ),
]
LocalstackPort = Annotated[
    int, typer.Option(envvar="C360_LOCALSTACK_PORT", min=1, max=65535, help="Port of the AWS endpoint.")
]
PostgresPort = Annotated[int, typer.Option(envvar="C360_POSTGRES_PORT", min=1, max=65535, help="Port of PostgreSQL.")]
ApiPort = Annotated[int, typer.Option(envvar="C360_API_PORT", min=1, max=65535, help="Port of the local API.")]
KafkaPort = Annotated[int, typer.Option(envvar="C360_KAFKA_PORT", min=1, max=65535, help="Port of Kafka.")]
ScheduleOption = Annotated[
    bool, typer.Option("--schedule/--no-schedule", help="Run the load every night at 00:00 UTC.")
]
OnArrivalOption = Annotated[bool, typer.Option("--on-arrival", help="Also run the load whenever a file arrives.")]
LakeOption = Annotated[
    bool, typer.Option("--lake", help="Also export the marts as Parquet after each load, which takes seconds.")
]
ApiKeyOption = Annotated[
    bool, typer.Option("--api-key", help="Make API Gateway require a key, as on AWS; `c360 outputs` prints it.")
]
PrivateOption = Annotated[
    bool | None,
    typer.Option(
        "--private/--shared",
        help="Let nobody into LocalStack and the API but holders of this installation's keys, as on a machine with"
        " other users (`c360 env`, `c360 outputs`); kept until the other is said.  [default: shared]",
    ),
]
EngineOption = Annotated[
    EngineName | None,
    typer.Option(
        "--engine",
        help="What loads the vault: PostgreSQL, or Spark (after c360 engine install); kept until the other is said."
        "  [default: postgresql]",
    ),
]
ManagedOption = Annotated[
    bool,
    typer.Option(
        "--managed", help="With --target localstack and LOCALSTACK_AUTH_TOKEN: PostgreSQL and Kafka as RDS and MSK."
    ),
]
BiUrlOption = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="C360_BI_DATABASE_URL",
        help="postgresql://USER:PASSWORD@HOST:PORT/NAME as the tool reaches it; else the deployment's, as c360_bi.",
    ),
]
EXAMPLES = "Examples:"


def examples(*lines: str) -> str:
    """The epilog of a command's --help."""
    return "\n\n".join([EXAMPLES, *lines])

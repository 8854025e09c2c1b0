"""c360 up: start the platform on this machine, embedded or in the compose file's containers."""

from cli.errors import UsageError
from cli.local_platform import addresses, bring_containers_up, bring_up, require_this_machine
from cli.options import (
    ApiKeyOption,
    ApiPort,
    EngineName,
    EngineOption,
    JsonOption,
    KafkaPort,
    LakeOption,
    LocalstackPort,
    ManagedOption,
    OnArrivalOption,
    PostgresPort,
    PrivateOption,
    ScheduleOption,
    Target,
    TargetOption,
    examples,
)
from cli.output import Output

EXAMPLES = examples(
    "c360 up",
    "c360 up --no-schedule --on-arrival     load when files arrive, not at night",
    "c360 up --engine spark                 load the vault by Spark (after c360 engine install)",
    "DATABASE_URL=postgresql://… c360 up    on a PostgreSQL server of yours",
)


def command(
    localstack_port: LocalstackPort = 4566,
    postgres_port: PostgresPort = 5432,
    api_port: ApiPort = 8000,
    kafka_port: KafkaPort = 9092,
    schedule: ScheduleOption = True,
    on_arrival: OnArrivalOption = False,
    lake: LakeOption = False,
    api_key: ApiKeyOption = False,
    private: PrivateOption = None,
    engine: EngineOption = None,
    managed: ManagedOption = False,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Start the platform on this machine and deploy to it. Run again, it restarts what has stopped and keeps the data.

    A port that is taken is replaced by the next free one; the containers' ports are set in the compose file.
    """
    from local.stack import StackOptions

    require_this_machine(target, "up")
    output = Output(as_json=json)
    if target is Target.LOCALSTACK:
        if private:
            raise UsageError("--private is for the embedded platform: the container takes every access key")
        if engine is EngineName.SPARK:
            raise UsageError("--engine spark is for the embedded platform: no Spark is in the containers")
        if lake:
            raise UsageError("--lake is for the embedded platform: the container takes no function of that size")
        outputs = bring_containers_up(output, schedule=schedule, on_arrival=on_arrival, managed=managed)
        output.show(addresses(outputs))
        output.result(outputs.model_dump(mode="json"))
        return
    if managed:
        raise UsageError("--managed is for --target localstack: LocalStack's open runtime has neither RDS nor MSK")
    outputs = bring_up(
        output,
        StackOptions(
            localstack_port=localstack_port,
            postgres_port=postgres_port,
            api_port=api_port,
            kafka_port=kafka_port,
            schedule_enabled=schedule,
            on_arrival=on_arrival,
            lake=lake,
            api_key=api_key,
            private=private,
            engine=engine.value if engine else None,
        ),
    )
    output.show(addresses(outputs))
    output.result(outputs.model_dump(mode="json"))

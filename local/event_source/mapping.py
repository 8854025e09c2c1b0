"""An event source mapping as Lambda describes one, with the defaults that Lambda documents for Kafka."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class OnFailure(_Described):
    """Where batches go that are given up."""

    destination: Annotated[str, Field(alias="Destination", pattern=r"^arn:aws:s3:::[a-z0-9.-]+$")]


class DestinationConfig(_Described):
    """The part of a mapping that names it."""

    on_failure: Annotated[OnFailure | None, Field(alias="OnFailure")] = None


class EventSourceMapping(_Described):
    """The settings of `CreateEventSourceMapping` (AWS Lambda API reference) that concern Kafka.

    `pollers`: the minimum of provisioned pollers; None is on-demand mode, in which retry limits, bisecting and
    partial batch responses do not exist: a batch is tried again until it passes.
    """

    function_name: Annotated[str, Field(alias="FunctionName")]
    event_source_arn: Annotated[str, Field(alias="EventSourceArn")]
    bootstrap_servers: Annotated[str, Field(alias="BootstrapServers")]
    topic: Annotated[str, Field(alias="Topic")]
    partitions: Annotated[int, Field(alias="Partitions", ge=1)] = 1
    consumer_group: Annotated[str, Field(alias="ConsumerGroupId")]
    batch_size: Annotated[int, Field(alias="BatchSize", ge=1, le=10_000)] = 100
    window_seconds: Annotated[float, Field(alias="MaximumBatchingWindowInSeconds", ge=0, le=300)] = 0.5
    starting_position: Annotated[Literal["TRIM_HORIZON", "LATEST"], Field(alias="StartingPosition")] = "TRIM_HORIZON"
    pollers: Annotated[int | None, Field(alias="MinimumPollers", ge=1)] = None
    retry_attempts: Annotated[int, Field(alias="MaximumRetryAttempts", ge=-1, le=10_000)] = -1
    bisects: Annotated[bool, Field(alias="BisectBatchOnFunctionError")] = False
    response_types: Annotated[tuple[Literal["ReportBatchItemFailures"], ...], Field(alias="FunctionResponseTypes")] = ()
    destination: Annotated[DestinationConfig, Field(alias="DestinationConfig")] = DestinationConfig()

    @property
    def is_provisioned(self) -> bool:
        """Whether failures may be limited, bisected and reported in part."""
        return self.pollers is not None

    @property
    def failure_bucket(self) -> str | None:
        """The bucket that given up batches are written to."""
        on_failure = self.destination.on_failure
        return on_failure.destination.removeprefix("arn:aws:s3:::") if on_failure else None

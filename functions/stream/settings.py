"""Settings of the stream's functions: the database's variables and two of their own."""

from typing import Annotated

from pydantic import Field

from functions.common.settings import DatabaseSettings


class StreamSettings(DatabaseSettings):
    """Settings of the stream: `StreamSettings.from_environment()`.

    event_retention_days: days whose events are kept; older partitions are dropped. Aggregates keep what they counted.
    partial_batch_response: whether the event source takes `batchItemFailures` (Lambda: Kafka in provisioned mode);
    if not, a record that cannot be stored for an unknown cause fails its whole batch.
    """

    event_retention_days: Annotated[int, Field(ge=14, le=3650)] = 90
    partial_batch_response: bool = False

"""Settings of the stream's functions: the database's variables and one of their own."""

from functions.common.settings import DatabaseSettings


class StreamSettings(DatabaseSettings):
    """Settings of the stream: `StreamSettings.from_environment()`.

    partial_batch_response: whether the event source takes `batchItemFailures` (Lambda: Kafka in provisioned mode);
    if not, a record that cannot be stored for an unknown cause fails its whole batch.
    """

    partial_batch_response: bool = False

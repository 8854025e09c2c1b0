"""Lambda handler of the clickstream: a batch of Kafka messages in, one transaction, what could not be stored out."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.common import environment
from functions.common.errors import C360Error
from functions.common.logging import logger
from functions.stream.batch import Position, read_batch, utc_now
from functions.stream.metrics import emit
from functions.stream.partitions import PartitionKeeper
from functions.stream.settings import StreamSettings
from functions.stream.store import store


class NotStoredError(C360Error):
    """Events of a batch failed for an unknown cause, and the event source takes the batch as a whole only."""


_partitions = PartitionKeeper()


def handle(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Store a batch, each event once however often it is delivered, and answer which messages to send again.

    `batchItemFailures` (AWS: "Reporting batch item failures", Kafka) names positions that failed for a cause that is
    not their content; empty: all is stored, or kept as a dead letter. Raises EventError for what no Kafka source
    sends, TransientError when the whole batch is worth another try.
    """
    settings = environment.settings(StreamSettings)
    now = utc_now()
    batch = read_batch(event, now)
    _partitions.keep(environment.connections, settings, now.date())
    stored = store(environment.connections, settings, batch)
    merged = stored.merged
    logger.info("batch stored", extra={"stored": merged.stored, "repeated": merged.repeated, "dead": merged.dead})
    emit(merged)
    if stored.failed and not settings.partial_batch_response:
        raise NotStoredError("some events could not be stored", events=len(stored.failed), first=stored.failed[0])
    return {"batchItemFailures": [_failure(position) for position in stored.failed]}


def _failure(position: Position) -> dict[str, Any]:
    return {
        "itemIdentifier": {"partition": f"{position.topic}-{position.partition}", "offset": position.offset},
    }

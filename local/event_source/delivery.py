"""Deliver one batch to the function, as Lambda's event source mapping does: invoke, try again, bisect, give up.

AWS: "Configuring error handling controls for Kafka event sources", "Reporting batch item failures".
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.event_source.batch import Record, msk_event
from local.event_source.mapping import EventSourceMapping

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 10.0

_log = logging.getLogger("event_source")


class FunctionFailedError(Exception):
    """The function answered with an error, or with an answer that is none."""


class Delivery:
    """Brings batches to the function. `stopping` ends the waiting; `done` is called as far as records are settled."""

    def __init__(
        self,
        mapping: EventSourceMapping,
        functions: "LambdaClient",
        s3: "S3Client",
        stopping: threading.Event,
        done: Callable[[Record], None],
    ) -> None:
        self._mapping = mapping
        self._functions = functions
        self._s3 = s3
        self._stopping = stopping
        self._done = done

    def deliver(self, batch: Sequence[Record]) -> bool:
        """Settle the batch, in order: stored by the function or given up. False when stopped before that."""
        pending = [list(batch)]
        attempts = 0
        wait = FIRST_WAIT_SECONDS
        while pending:
            records = pending.pop(0)
            if self._stopping.is_set():
                return False
            failed, counts = self._attempt(records)
            settled = [record for record in records if failed is None or record.offset < failed]
            if settled:
                self._done(settled[-1])
                attempts, wait = 0, FIRST_WAIT_SECONDS
            rest = records[len(settled) :]
            if not rest:
                continue
            if counts and self._mapping.is_provisioned:
                if self._mapping.bisects and len(rest) > 1:
                    middle = len(rest) // 2
                    pending[:0] = [rest[:middle], rest[middle:]]
                    attempts = 0
                    continue
                attempts += 1
                if 0 <= self._mapping.retry_attempts < attempts:
                    self._give_up(rest, attempts)
                    self._done(rest[-1])
                    attempts = 0
                    continue
            pending.insert(0, rest)
            self._stopping.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
        return True

    def _attempt(self, records: list[Record]) -> tuple[int | None, bool]:
        """The lowest offset that is to be sent again, if any, and whether the function, not the service, failed."""
        try:
            return self._invoke(records), True
        except (BotoCoreError, ClientError) as error:
            _log.warning("the function cannot be invoked: %s", error)
            return records[0].offset, False
        except FunctionFailedError as error:
            _log.warning("%d record(s) from %s failed: %s", len(records), _place(records[0]), error)
            return records[0].offset, True

    def _invoke(self, records: list[Record]) -> int | None:
        """The lowest offset that is to be sent again; None when all is stored. Raises FunctionFailedError."""
        payload = json.dumps(msk_event(self._mapping, records)).encode()
        answer = self._functions.invoke(FunctionName=self._mapping.function_name, Payload=payload)
        said = answer["Payload"].read()
        if answer.get("FunctionError"):
            raise FunctionFailedError(said.decode(errors="replace")[:500])
        if not (self._mapping.is_provisioned and self._mapping.response_types):
            return None
        return _lowest_failure(said, records)

    def _give_up(self, records: list[Record], attempts: int) -> None:
        _log.error("giving up %d record(s) from %s after %d attempts", len(records), _place(records[0]), attempts)
        if self._mapping.failure_bucket is None:
            return
        now = datetime.now(UTC)
        place = f"{records[0].topic}-{records[0].partition}"
        content = {
            "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": attempts},
            "version": "1.0",
            "timestamp": now.isoformat(),
            "KafkaBatchInfo": {"batchSize": len(records), "topic": records[0].topic, "partition": place},
            "payload": json.dumps(msk_event(self._mapping, records)),  # JSON within JSON, as Lambda writes it
        }
        key = f"aws/lambda/{place}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        while not self._stopping.is_set():
            try:
                self._s3.put_object(Bucket=self._mapping.failure_bucket, Key=key, Body=json.dumps(content).encode())
                return
            except (BotoCoreError, ClientError) as error:
                _log.warning("the failed batch cannot be written yet: %s", error)
                self._stopping.wait(1)


def _lowest_failure(said: bytes, records: list[Record]) -> int | None:
    """What a partial batch response says. An answer that names no record of the batch fails the whole batch."""
    offsets = {record.offset for record in records}
    place = f"{records[0].topic}-{records[0].partition}"
    try:
        answer: Any = json.loads(said)
        failures = (answer or {}).get("batchItemFailures") or []
        failed = {failure["itemIdentifier"]["offset"] for failure in failures}
        named = {failure["itemIdentifier"]["partition"] for failure in failures}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise FunctionFailedError("its answer is not a partial batch response") from None
    if not failed <= offsets or not named <= {place}:
        raise FunctionFailedError("its answer names records that were not sent")
    return min(failed) if failed else None


def _place(record: Record) -> str:
    return f"{record.topic}-{record.partition}@{record.offset}"

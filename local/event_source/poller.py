"""What Lambda's event source mapping does on AWS, as a process of this machine: Kafka in, invocations out.

    python -m local.event_source.poller --endpoint http://127.0.0.1:4566 --mapping mapping.json --status status.json

LocalStack's open runtime has no Kafka triggers. The function is LocalStack's own, invoked by its Lambda API.
"""

import argparse
import json
import logging
import signal
import sys
import threading
import time
from pathlib import Path

from botocore.config import Config
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

from local.deployment.access_key import SHARED, AccessKey
from local.deployment.aws import client_config, session
from local.event_source.batch import Gathering, Record, read
from local.event_source.delivery import Delivery
from local.event_source.idling import Idling
from local.event_source.mapping import EventSourceMapping

# Lambda invokes for at most 15 minutes.
_READ_TIMEOUT_SECONDS = 910
_STATUS_SECONDS = 1.0
_BUFFERED_BATCHES = 4
_MEMBER = "poller"

_log = logging.getLogger("event_source")


class _Partition:
    """One assigned partition: its records wait here, and one thread delivers them, one batch at a time."""

    def __init__(self, poller: "EventSource", topic: str, number: int) -> None:
        self.at = TopicPartition(topic, number)
        self.waiting = Gathering(poller.mapping)
        self.is_paused = False
        self._revoked = threading.Event()
        self._delivery = Delivery(poller.mapping, poller.functions, poller.s3, self._revoked, poller.settled)
        self._thread = threading.Thread(target=self._run, name=f"{topic}-{number}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop after the invocation under way."""
        self._revoked.set()
        self.waiting.end()

    def join(self, timeout: float) -> None:
        """Wait for that."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._revoked.is_set() and (batch := self.waiting.take()) is not None:
            self._delivery.deliver(batch)


class EventSource:
    """A mapping at work: a member of its consumer group, committing what the function has stored.

    `member` is its name in the group where it has one (a static member, KIP-345): who comes after it under this name
    takes its partitions over at once. noida-db never parts with a nameless member that was killed. `from_start` reads
    the topic again from its beginning, once: after the broker lost messages, offsets mean other messages than before.
    """

    def __init__(
        self,
        mapping: EventSourceMapping,
        endpoint: str,
        status: Path,
        member: str | None = None,
        key: AccessKey = SHARED,
        *,
        from_start: bool = False,
    ) -> None:
        self.mapping = mapping
        self._from_start = from_start
        self._status = status
        self._stopping = threading.Event()
        self._partitions: dict[tuple[str, int], _Partition] = {}
        self._next: dict[tuple[str, int], int] = {}
        self._stored: dict[tuple[str, int], int] = {}
        once = Config(retries={"total_max_attempts": 1}, read_timeout=_READ_TIMEOUT_SECONDS, max_pool_connections=64)
        aws, config = session(key=key), client_config().merge(once)
        self.functions = aws.client("lambda", endpoint_url=endpoint, config=config)
        self.s3 = aws.client("s3", endpoint_url=endpoint, config=config)
        self._consumer = Consumer(
            {
                "bootstrap.servers": mapping.bootstrap_servers,
                "group.id": mapping.consumer_group,
                **({"group.instance.id": member} if member else {}),
                "auto.offset.reset": "earliest" if mapping.starting_position == "TRIM_HORIZON" else "latest",
                # what `settled` stored is committed, nothing else
                "enable.auto.commit": True,
                "auto.commit.interval.ms": 500,
                "enable.auto.offset.store": False,
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 1000,
                "max.poll.interval.ms": 300_000,
                "partition.assignment.strategy": "range",
                "reconnect.backoff.max.ms": 2000,
                "topic.metadata.refresh.interval.ms": 10_000,
                "log_level": 4,
            }
        )
        self._idling = Idling(self._consumer)

    def stop(self) -> None:
        """Have `run` end."""
        self._stopping.set()

    def run(self) -> None:
        """Consume and deliver until stopped; then finish the invocations under way and commit."""
        self._consumer.subscribe([self.mapping.topic], on_assign=self._assigned, on_revoke=self._revoked)
        reported_at = 0.0
        try:
            while not self._stopping.is_set():
                first = self._consumer.poll(0 if self._idling.is_idling else 0.1)
                if first is not None:
                    for message in [first, *self._consumer.consume(1000, timeout=0)]:
                        self._gather(message)
                elif not any(partition.is_paused for partition in self._partitions.values()):
                    self._idling.pass_time()
                self._store_settled()
                self._hold_back()
                if time.monotonic() - reported_at > _STATUS_SECONDS:
                    self._tell()
                    reported_at = time.monotonic()
        finally:
            self._drop(list(self._partitions))
            self._consumer.close()

    def settled(self, record: Record) -> None:
        """The function has stored this record and all before it in its partition."""
        self._next[record.topic, record.partition] = record.offset + 1

    def _store_settled(self) -> None:
        """Have what is settled committed: from this thread, since another one's call waits up to half a second."""
        for (topic, number), offset in list(self._next.items()):
            if (topic, number) not in self._partitions or self._stored.get((topic, number)) == offset:
                continue
            try:
                self._consumer.store_offsets(offsets=[TopicPartition(topic, number, offset)])
            except KafkaException as error:
                _log.info("%s-%d is another's now: %s", topic, number, error)
            self._stored[topic, number] = offset

    def _gather(self, message: Message) -> None:
        if error := message.error():
            _log.warning("Kafka: %s", error)
            return
        record = read(message)
        self._idling.read(record.topic, record.partition, record.offset)
        if partition := self._partitions.get((record.topic, record.partition)):
            partition.waiting.put(record)

    def _hold_back(self) -> None:
        """Fetch no more of a partition than some batches ahead of the function."""
        most = self.mapping.batch_size * _BUFFERED_BATCHES
        for partition in self._partitions.values():
            full = len(partition.waiting) > (most // 2 if partition.is_paused else most)
            if full != partition.is_paused:
                (self._consumer.pause if full else self._consumer.resume)([partition.at])
                partition.is_paused = full

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._from_start:
            for at in partitions:
                at.offset = OFFSET_BEGINNING
        consumer.assign(partitions)
        consumer.resume(partitions)  # librdkafka keeps a partition paused over a rebalance
        self._idling.assigned(partitions, from_start=self._from_start)
        self._from_start = False
        for at in partitions:
            self._next.pop((at.topic, at.partition), None)
            self._stored.pop((at.topic, at.partition), None)
            self._partitions[at.topic, at.partition] = _Partition(self, at.topic, at.partition)
        _log.info("assigned: %s", sorted(at.partition for at in partitions))

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._idling.revoked(partitions)
        self._drop([(at.topic, at.partition) for at in partitions])
        _log.info("revoked: %s", sorted(at.partition for at in partitions))

    def _drop(self, keys: list[tuple[str, int]]) -> None:
        dropped = [self._partitions[key] for key in keys if key in self._partitions]
        for partition in dropped:
            partition.end()
        deadline = time.monotonic() + 5
        for partition in dropped:
            partition.join(max(0.0, deadline - time.monotonic()))
        self._store_settled()
        for key in keys:
            self._partitions.pop(key, None)

    def _tell(self) -> None:
        lag = 0
        for topic, number in list(self._partitions):
            _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)
            if high > 0 and (topic, number) in self._next:
                lag += max(0, high - self._next[topic, number])
        content = {"at": time.time(), "partitions": len(self._partitions), "lag": lag}
        fresh = self._status.with_suffix(".new")
        fresh.write_text(json.dumps(content))
        fresh.replace(self._status)


def main(arguments: list[str] | None = None) -> None:
    """Run until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.event_source.poller", description=__doc__)
    parser.add_argument("--endpoint", required=True, help="where LocalStack answers")
    parser.add_argument("--mapping", required=True, type=Path, help="the mapping's settings, a JSON file")
    parser.add_argument("--status", required=True, type=Path, help="file to keep the state in")
    parser.add_argument("--from-start", action="store_true", help="read the topic again from its beginning")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    mapping = EventSourceMapping.model_validate_json(options.mapping.read_bytes())
    key = AccessKey.from_environment()
    source = EventSource(mapping, options.endpoint, options.status, _MEMBER, key, from_start=options.from_start)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: source.stop())
    source.run()


if __name__ == "__main__":
    main()

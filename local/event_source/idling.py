"""Idling of a consumer: an idle topic's partitions are paused, and only their end offsets are polled.

noida-db answers a fetch of nothing at once, where Kafka waits for `fetch.wait.max.ms`: an idle consumer and the broker
would keep a core busy between them.
"""

import logging
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

_IDLE_SECONDS = 0.3
_LOOK_SECONDS = 0.03
_RESUMED_SECONDS = 0.005
_ANSWER_SECONDS = 5.0
_UNKNOWN = -1

_log = logging.getLogger("event_source")


class Idling:
    """When one consumer idles; called by the thread that polls it.

    A partition whose next offset is not known, as one read from its end, keeps its consumer from idling.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._next: dict[tuple[str, int], int] = {}
        self._read_at = time.monotonic()
        self._is_idling = False

    def assigned(self, partitions: list[TopicPartition], *, from_start: bool) -> None:
        """These partitions were assigned: read from the group's committed offsets, or from their beginnings."""
        for at in partitions:
            self._next[at.topic, at.partition] = _UNKNOWN
        try:
            for at in self._consumer.committed(partitions, timeout=_ANSWER_SECONDS):
                is_begun = at.offset >= 0 and not from_start
                self._next[at.topic, at.partition] = at.offset if is_begun else self._ends(at)[0]
        except KafkaException as error:
            _log.info("the group's committed offsets are not known: %s", error)
        self._wake()

    def revoked(self, partitions: list[TopicPartition]) -> None:
        """These partitions were given to another consumer."""
        for at in partitions:
            self._next.pop((at.topic, at.partition), None)
        self._wake()

    def read(self, topic: str, partition: int, offset: int) -> None:
        """A message was received."""
        self._next[topic, partition] = offset + 1
        self._read_at = time.monotonic()

    def pass_time(self) -> None:
        """No message was received: start idling after a while of that, and stop when a partition has more."""
        partitions = [TopicPartition(*key) for key in self._next]
        if not self._is_idling:
            if time.monotonic() - self._read_at < _IDLE_SECONDS or not partitions or self._has_more(partitions):
                return
            self._consumer.pause(partitions)
            self._is_idling = True
        time.sleep(_LOOK_SECONDS)
        if self._has_more(partitions):
            self._wake()

    @property
    def is_idling(self) -> bool:
        """Whether the partitions are paused."""
        return self._is_idling

    def _wake(self) -> None:
        self._read_at = time.monotonic()
        if self._is_idling:
            partitions = [TopicPartition(*key) for key in self._next]
            self._consumer.resume(partitions)
            self._is_idling = False
            # librdkafka's thread that fetches sleeps on for up to a second unless it has something to ask
            time.sleep(_RESUMED_SECONDS)
            self._has_more(partitions)

    def _has_more(self, partitions: list[TopicPartition]) -> bool:
        """Whether a partition's end differs from the next offset to read; unknown counts as yes."""
        try:
            return any(self._ends(at)[1] != self._next[at.topic, at.partition] for at in partitions)
        except KafkaException:
            return True

    def _ends(self, at: TopicPartition) -> tuple[int, int]:
        low, high = self._consumer.get_watermark_offsets(at, timeout=_ANSWER_SECONDS, cached=False)
        return low, high

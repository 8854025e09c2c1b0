"""A consumer's rest: an idle topic's partitions are paused, and only their ends are asked for.

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


class Rest:
    """Of one consumer; called by the thread that polls it.

    A partition whose next offset is not known, as one read from its end, keeps its consumer from resting.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._next: dict[tuple[str, int], int] = {}
        self._read_at = time.monotonic()
        self._is_resting = False

    def assigned(self, partitions: list[TopicPartition], *, from_start: bool) -> None:
        """These are read from now on: where their group has got to, or from their beginnings."""
        for at in partitions:
            self._next[at.topic, at.partition] = _UNKNOWN
        try:
            for at in self._consumer.committed(partitions, timeout=_ANSWER_SECONDS):
                is_begun = at.offset >= 0 and not from_start
                self._next[at.topic, at.partition] = at.offset if is_begun else self._ends(at)[0]
        except KafkaException as error:
            _log.info("where the group has got to is not known: %s", error)
        self._wake()

    def revoked(self, partitions: list[TopicPartition]) -> None:
        """These are another's."""
        for at in partitions:
            self._next.pop((at.topic, at.partition), None)
        self._wake()

    def read(self, topic: str, partition: int, offset: int) -> None:
        """A message came."""
        self._next[topic, partition] = offset + 1
        self._read_at = time.monotonic()

    def pass_time(self) -> None:
        """Nothing came. Begin to rest, when that was so for a while, or go on, and wake when there is something."""
        partitions = [TopicPartition(*key) for key in self._next]
        if not self._is_resting:
            if time.monotonic() - self._read_at < _IDLE_SECONDS or not partitions or self._has_more(partitions):
                return
            self._consumer.pause(partitions)
            self._is_resting = True
        time.sleep(_LOOK_SECONDS)
        if self._has_more(partitions):
            self._wake()

    @property
    def is_resting(self) -> bool:
        """Whether nothing will come before somebody looks again."""
        return self._is_resting

    def _wake(self) -> None:
        self._read_at = time.monotonic()
        if self._is_resting:
            partitions = [TopicPartition(*key) for key in self._next]
            self._consumer.resume(partitions)
            self._is_resting = False
            # librdkafka's thread that fetches sleeps on for up to a second unless it has something to ask
            time.sleep(_RESUMED_SECONDS)
            self._has_more(partitions)

    def _has_more(self, partitions: list[TopicPartition]) -> bool:
        """Whether a partition ends elsewhere than where it was read to; unknown is yes."""
        try:
            return any(self._ends(at)[1] != self._next[at.topic, at.partition] for at in partitions)
        except KafkaException:
            return True

    def _ends(self, at: TopicPartition) -> tuple[int, int]:
        low, high = self._consumer.get_watermark_offsets(at, timeout=_ANSWER_SECONDS, cached=False)
        return low, high

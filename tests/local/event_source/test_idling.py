"""An idle poller rests, wakes for what comes, and goes on when the broker does not answer."""

import time
import uuid

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from local import processes
from local.broker import Broker, create_topic
from local.event_source import idling as event_source_rest
from local.event_source.idling import Rest


def consumer_of(servers: str) -> Consumer:
    settings = {"bootstrap.servers": servers, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
    return Consumer({**settings, "enable.auto.commit": False, "log_level": 0})


def test_an_idle_consumer_rests_and_misses_nothing_that_comes(broker: Broker) -> None:
    topic = uuid.uuid4().hex
    create_topic(broker.bootstrap_servers, topic, 2)
    consumer = consumer_of(broker.bootstrap_servers)
    rest = Rest(consumer)
    partitions = [TopicPartition(topic, number, 0) for number in range(2)]
    consumer.assign(partitions)
    rest.assigned(partitions, from_start=False)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    got: list[bytes | None] = []
    rested = 0
    for number in range(3):
        deadline = time.monotonic() + 20
        while len(got) == number and time.monotonic() < deadline:
            message = consumer.poll(0 if rest.is_resting else 0.1)
            if message is None:
                was_resting = rest.is_resting
                rest.pass_time()
                if rest.is_resting and not was_resting:
                    rested += 1
                    producer.produce(topic, str(number).encode(), partition=number % 2)
                    producer.flush(5)
            else:
                rest.read(topic, message.partition() or 0, message.offset() or 0)
                got.append(message.value())
    consumer.close()
    assert (got, rested) == ([b"0", b"1", b"2"], 3)


def test_a_broker_that_does_not_answer_keeps_it_from_resting_and_raises_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_source_rest, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(event_source_rest, "_IDLE_SECONDS", 0)
    consumer = consumer_of(f"127.0.0.1:{processes.free_port(24000)}")
    rest = Rest(consumer)
    rest.assigned([TopicPartition("any", 0)], from_start=False)
    rest.pass_time()
    assert not rest.is_resting
    consumer.close()

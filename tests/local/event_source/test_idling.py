"""A poller without messages idles, wakes for new ones, and goes on when the broker does not answer."""

import time
import uuid

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from local import processes
from local.event_source import idling as idling_module
from local.event_source.idling import Idling
from local.servers.broker import Broker, create_topic


def consumer_of(servers: str) -> Consumer:
    settings = {"bootstrap.servers": servers, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
    return Consumer({**settings, "enable.auto.commit": False, "log_level": 0})


def test_an_idle_consumer_rests_and_misses_nothing_that_comes(broker: Broker) -> None:
    topic = uuid.uuid4().hex
    create_topic(broker.bootstrap_servers, topic, 2)
    consumer = consumer_of(broker.bootstrap_servers)
    idling = Idling(consumer)
    partitions = [TopicPartition(topic, number, 0) for number in range(2)]
    consumer.assign(partitions)
    idling.assigned(partitions, from_start=False)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    got: list[bytes | None] = []
    rested = 0
    for number in range(3):
        deadline = time.monotonic() + 20
        while len(got) == number and time.monotonic() < deadline:
            message = consumer.poll(0 if idling.is_idling else 0.1)
            if message is None:
                was_idling = idling.is_idling
                idling.pass_time()
                if idling.is_idling and not was_idling:
                    rested += 1
                    producer.produce(topic, str(number).encode(), partition=number % 2)
                    producer.flush(5)
            else:
                idling.read(topic, message.partition() or 0, message.offset() or 0)
                got.append(message.value())
    consumer.close()
    assert (got, rested) == ([b"0", b"1", b"2"], 3)


def test_a_broker_that_does_not_answer_keeps_it_from_resting_and_raises_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idling_module, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(idling_module, "_IDLE_SECONDS", 0)
    consumer = consumer_of(f"127.0.0.1:{processes.free_port(24000)}")
    idling = Idling(consumer)
    idling.assigned([TopicPartition("any", 0)], from_start=False)
    idling.pass_time()
    assert not idling.is_idling
    consumer.close()

"""However often and in whatever order messages come, and whatever dies in between, each event counts once."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from functions.common.errors import DatabaseUnavailableError
from functions.stream import store as store_module
from functions.stream.batch import read_batch, utc_now
from functions.stream.merge import merge
from functions.stream.settings import StreamSettings
from functions.stream.store import store
from tests.support.connection_holder import ClosingHolder
from tests.support.kafka_messages import Log, click, delivered
from tests.support.stream_consumer import Consumer


def counted(consumer: Consumer) -> int:
    return sum(int(row[0]) for row in consumer.metrics().values())


def test_a_redelivered_batch_changes_nothing(consumer: Consumer) -> None:
    log = Log()
    log.append(*(click(product_id="P1", session_id="S", customer_id=f"C{n % 3}") for n in range(20)), b"junk")
    consumer.handle(log.delivery())
    before = [consumer.metrics(), consumer.rows("select * from business_vault.live_activity order by 1")]
    for _ in range(3):
        consumer.handle(log.delivery())
    assert [consumer.metrics(), consumer.rows("select * from business_vault.live_activity order by 1")] == before
    assert (counted(consumer), len(consumer.event_ids()), len(consumer.dead())) == (20, 20, 1)


def test_a_replay_from_an_old_offset_adds_only_what_is_new(consumer: Consumer) -> None:
    log = Log()
    log.append(*(click() for _ in range(30)))
    consumer.handle(log.delivery([(0, n) for n in range(20)]))
    consumer.handle(log.delivery([(0, n) for n in range(5, 30)]))
    assert counted(consumer) == len(consumer.event_ids()) == 30


def test_a_producer_that_sends_an_event_twice_counts_once_inside_a_batch_and_across(consumer: Consumer) -> None:
    twice = click(event_id="twice")
    consumer.handle(delivered(twice, click(), twice))
    consumer.handle(delivered(click(), twice))
    log = Log()
    log.append(twice, partition=1)  # without a key a retry may go to another partition
    consumer.handle(log.delivery())
    assert counted(consumer) == 3
    assert consumer.event_ids().count("twice") == 1


def test_the_same_id_with_another_day_or_customer_is_the_same_event(consumer: Consumer) -> None:
    consumer.handle(delivered(click(event_id="e", timestamp="2026-11-20T00:00:00Z")))
    consumer.handle(delivered(click(event_id="e", timestamp="2026-11-21T00:00:00Z", customer_id="C2")))
    assert consumer.rows("select customer_id, occurred_at::date::text from business_vault.vw_event") == [
        ("C1", "2026-11-20")
    ]


def test_a_recreated_topic_begins_at_offset_zero_and_loses_nothing(consumer: Consumer) -> None:
    consumer.handle(delivered(*(click() for _ in range(10)), b"old junk"))
    consumer.handle(delivered(*(click() for _ in range(10)), b"new junk"))
    assert counted(consumer) == 20
    assert [letter[2] for letter in consumer.dead()] == [b"old junk", b"new junk"]


def test_a_batch_that_dies_before_its_commit_leaves_nothing_and_is_stored_when_sent_again(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = delivered(*(click() for _ in range(10)), b"junk")

    def cut_off(connection: Any, parsed: Any) -> Any:
        merge(connection, parsed)
        pid = connection.info.backend_pid
        consumer.rows("select pg_terminate_backend(%s)", pid)
        connection.execute("select 1")

    monkeypatch.setattr(store_module, "merge", cut_off)
    with pytest.raises(DatabaseUnavailableError):
        consumer.handle(batch)
    assert (consumer.event_ids(), consumer.metrics(), consumer.dead()) == ([], {}, [])
    monkeypatch.setattr(store_module, "merge", merge)
    consumer.handle(batch)
    assert (counted(consumer), len(consumer.dead())) == (10, 1)


def test_a_crash_between_commit_and_acknowledgement_counts_nothing_twice(consumer: Consumer) -> None:
    """The answer is lost with the process; another process gets the same batch."""
    batch = delivered(*(click() for _ in range(10)))
    settings = StreamSettings.model_validate({"database_url": consumer.stream_url})
    died = ClosingHolder()
    store(died, settings, read_batch(batch, utc_now()))
    died.close()
    consumer.handle(batch)
    assert counted(consumer) == 10


def test_a_lost_connection_is_replaced(consumer: Consumer) -> None:
    consumer.handle(delivered(click()))
    consumer.rows("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'c360_stream'")
    consumer.handle(delivered(click()))
    assert counted(consumer) == 2


def test_partitions_that_touch_the_same_customers_at_once_lose_no_update_and_never_deadlock(
    consumer: Consumer,
) -> None:
    """In each round the senders begin together, with the same new keys in orders of their own."""
    rounds, senders = 6, 4
    draw = random.Random(5)
    settings = StreamSettings.model_validate({"database_url": consumer.stream_url})
    log = Log()
    together = threading.Barrier(senders)
    deliveries: list[list[dict[str, Any]]] = [[] for _ in range(senders)]
    for turn in range(rounds):
        shared = [click(event_id=f"{turn}-{n}", customer_id=f"N{turn}-{n % 200}") for n in range(400)]
        for sender in range(senders):
            own = [click(customer_id=f"N{turn}-{n % 200}", product_id=f"P{turn}-{n % 50}") for n in range(400)]
            events = draw.sample(own + shared, len(own) + len(shared))
            deliveries[sender].append(log.delivery(log.append(*events, partition=sender)))

    def send(sender: int) -> None:
        holder = ClosingHolder()
        try:
            for delivery in deliveries[sender]:
                together.wait(30)
                store(holder, settings, read_batch(delivery, utc_now()))
        finally:
            holder.close()

    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(send, range(senders)))
    assert counted(consumer) == len(consumer.event_ids()) == rounds * (senders * 400 + 400)
    assert consumer.rows("select count(*) from raw_vault.hub_customer where customer_id like 'N%%'") == [
        (200 * rounds,)
    ]
    assert consumer.rows("select count(*) from business_vault.mart_customer_360") == [(200 * rounds,)]


def test_when_every_event_fails_the_events_are_not_blamed(consumer: Consumer) -> None:
    consumer.execute("revoke insert on raw_vault.link_customer_event from c360_stream")
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            consumer.handle(delivered(*(click() for _ in range(4))))
    finally:
        consumer.execute("grant insert on raw_vault.link_customer_event to c360_stream")
    assert (consumer.event_ids(), consumer.dead()) == ([], [])

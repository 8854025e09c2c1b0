"""Every event has a home: its day's partition, or the default one until its day has one."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from functions.stream import handler
from functions.stream.partitions import PartitionKeeper
from tests.support.kafka_messages import click, delivered
from tests.support.stream_consumer import Consumer


def today() -> date:
    """The day in UTC; asked in each test, since a run of all tests can pass midnight."""
    return datetime.now(UTC).date()


def homes(consumer: Consumer) -> dict[str, str]:
    """Event id -> partition."""
    return dict(consumer.rows("select event_id, tableoid::regclass::text from raw_vault.link_customer_event"))


def partition_of(day: date) -> str:
    return f"raw_vault.link_customer_event_{day:%Y%m%d}"


@pytest.mark.parametrize("days", [-7, -1, 0, 1])
def test_recent_events_live_in_the_partition_of_their_day_in_utc(consumer: Consumer, days: int) -> None:
    day = today() + timedelta(days=days)
    consumer.handle(delivered(click(event_id="e", timestamp=f"{day}T00:00:00+00:00")))
    assert homes(consumer) == {"e": partition_of(day)}


def test_a_late_event_is_stored_and_moves_when_its_day_gets_a_partition(consumer: Consumer) -> None:
    day = today() - timedelta(days=40)
    consumer.handle(delivered(click(event_id="late", timestamp=f"{day}T23:59:59.999999Z"), click(event_id="now")))
    assert homes(consumer)["late"] == "raw_vault.link_customer_event_default"
    with psycopg.connect(consumer.stream_url) as connection:
        for made in (1, 0):
            assert connection.execute("select metadata.make_event_partitions(%s, %s)", (day, day)).fetchone() == (made,)
    assert homes(consumer)["late"] == partition_of(day)
    consumer.execute(f"drop table {partition_of(day)}")


def test_retention_drops_days_and_ids_but_not_what_was_counted(consumer: Consumer) -> None:
    old, kept = today() - timedelta(days=20), today() - timedelta(days=13)
    consumer.handle(delivered(click(event_id="old", timestamp=f"{old}T12:00:00Z")))
    with psycopg.connect(consumer.stream_url) as connection:
        connection.execute("select metadata.make_event_partitions(%s, %s)", (kept - timedelta(days=3), kept))
    consumer.handle(
        delivered(
            click(event_id="dropped", timestamp=f"{kept - timedelta(days=2)}T12:00:00Z"),
            click(event_id="kept", timestamp=f"{kept}T12:00:00Z"),
        )
    )
    consumer.execute("update metadata.event_id set loaded_at = now() - interval '20 days' where true")
    consumer.execute("update metadata.retention set days = 14 where store = 'events'")
    consumer.execute("select metadata.enforce_retention()")
    consumer.handle(delivered(click(event_id="new")))
    assert sorted(homes(consumer)) == ["kept", "new"]
    assert consumer.rows("select count(*) from metadata.event_id") == [(1,)]
    assert consumer.metrics()["C1", "page_view"][0] == 4
    consumer.execute(f"drop table {partition_of(kept)}, {partition_of(kept - timedelta(days=1))}")
    consumer.execute("update metadata.retention set days = 90 where store = 'events'")


def test_partitions_that_others_use_are_left_for_later_and_events_flow(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = today() + timedelta(days=3)
    consumer.execute(f"drop table if exists {partition_of(missing)}")
    monkeypatch.setattr("functions.stream.partitions._LOCK_TIMEOUT", "100ms")
    with psycopg.connect(consumer.admin_url) as reader:
        reader.execute("select * from raw_vault.link_customer_event_default")
        consumer.handle(delivered(click(event_id="e")))
        assert list(homes(consumer)) == ["e"]
    monkeypatch.setattr(handler, "_partitions", PartitionKeeper())
    consumer.handle(delivered(click()))
    assert consumer.rows("select to_regclass(%s) is not null", partition_of(missing)) == [(True,)]

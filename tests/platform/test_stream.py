"""The clickstream through the real broker, poller and Lambda to the API, and what survives when they are killed.

Named to run after the nightly load's tests, whose customers it may find.
"""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Producer

from benchmarks.stream.kills import survive
from tests.support.csv_files import customers
from tests.support.platform import Platform, eventually


def send(platform: Platform, *messages: dict[str, Any] | bytes) -> None:
    """Messages to the topic, as a website's backend sends them."""
    producer = Producer({"bootstrap.servers": platform.outputs.kafka_bootstrap_servers or ""})
    for message in messages:
        value = message if isinstance(message, bytes) else json.dumps(message)
        producer.produce(platform.outputs.kafka_topic or "", value=value)
    assert producer.flush(10) == 0


def event(customer_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid.uuid4()),
        "event_type": "page_view",
        "customer_id": customer_id,
        "timestamp": datetime.now(UTC).isoformat(),
        **fields,
    }


def test_produced_sessions_are_all_counted_and_the_malformed_ones_kept(platform: Platform) -> None:
    before = platform.json("events", "dead", "list")["waiting"]
    sent = platform.json("produce", "--count", "600", "--rate", "300", "--malformed", "0.05")
    assert sent["malformed"] > 0
    assert sent["stored"] == sent["events"] == 600 - sent["malformed"]
    assert sent["by_type"]["page_view"] > sent["by_type"].get("click", 0) > sent["by_type"].get("purchase", 0)
    eventually(lambda: platform.json("events", "dead", "list")["waiting"] == before + sent["malformed"])
    for base in (platform.outputs.api_url, platform.outputs.local_api_url):
        page = platform.get(base, "/events/recent?limit=20")
        assert len(page["items"]) == 20
        assert {item["properties"]["run"] for item in page["items"]} == {sent["run"]}


def test_a_customer_seen_first_in_events_and_later_in_a_csv_has_one_profile(platform: Platform) -> None:
    customer = f"WEB-{uuid.uuid4().hex[:6]}"
    base = platform.outputs.local_api_url
    send(platform, event(customer, product_id="GADGET", session_id="S1"), event(customer, event_type="click"))

    def profile() -> Any:
        found = platform.rows(f"select * from business_vault.vw_customer_360 where customer_id = '{customer}'")
        return platform.get(base, f"/customers/{customer}") if found else None

    first = eventually(profile)
    assert (first["first_name"], first["total_orders"]) == (None, 0)
    # its two events may come in two batches
    eventually(lambda: platform.get(base, f"/customers/{customer}/activity")["events_last_hour"] == 2)
    platform.client("s3").put_object(
        Bucket=platform.outputs.landing_bucket,
        Key="landing/customers/dt=2026-11-20/web.csv",
        Body=customers({"customer_id": customer, "first_name": "Ada"}).encode(),
    )
    assert platform.json("run", "--wait")["status"] == "SUCCEEDED"
    send(platform, event(customer))
    eventually(lambda: platform.get(base, f"/customers/{customer}/activity")["events_last_hour"] == 3)
    assert platform.get(base, f"/customers/{customer}")["first_name"] == "Ada"
    for table in ("raw_vault.hub_customer", "business_vault.vw_customer_360"):
        assert platform.rows(f"select count(*) from {table} where customer_id = '{customer}'") == [(1,)]


def test_a_dead_letter_whose_cause_is_gone_is_replayed_once(platform: Platform) -> None:
    """The clock that refused it has moved on; here the letter's message is mended in its place."""
    ahead = event("LATE", timestamp="2999-01-01T00:00:00Z", event_id=f"ahead-{uuid.uuid4().hex}")
    send(platform, ahead)
    reason = "timestamp: more_than_a_day_ahead"

    def letter() -> Any:
        found = platform.json("events", "dead", "list")["dead_letters"]
        return next((each for each in found if each["reasons"] == [reason]), None)

    letter_id = str(eventually(letter)["dead_letter_id"])
    still = platform.json("events", "dead", "replay", letter_id)
    assert (still["replayed"], still["still_dead"][0]["reasons"]) == (0, [reason])
    mended = json.dumps(ahead | {"timestamp": "2026-11-23T00:00:00Z"}).replace("'", "")
    platform.execute(
        f"update metadata.dead_letter set raw = convert_to('{mended}', 'UTF8') where dead_letter_id = {letter_id}"
    )
    assert platform.json("events", "dead", "replay", letter_id)["stored"] == 1
    assert platform.json("events", "dead", "replay", letter_id)["replayed"] == 0
    counted = platform.rows(
        f"select count(*) from raw_vault.link_customer_event where event_id = '{ahead['event_id']}'"
    )
    assert counted == [(1,)]


def test_poller_broker_and_database_may_be_killed_and_each_event_counts_once(platform: Platform) -> None:
    found = survive(platform.stack, platform.outputs, 3_000, print, patience=120)
    assert found.is_exact, found
    parts = platform.stack.status()
    assert {parts.kafka.state, parts.event_source.state, parts.postgres.state} == {"running"}

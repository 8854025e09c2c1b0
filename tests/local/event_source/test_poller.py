"""The poller does as Lambda's event source mapping documents it, with a real broker and LocalStack's real Lambda."""

import base64
import io
import itertools
import json
import os
import signal
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from confluent_kafka import Producer

from local.deployment.aws import client
from local.event_source.mapping import EventSourceMapping
from local.event_source.poller import EventSource
from local.servers.broker import Broker, create_topic
from tests.support.platform import eventually

ROLE = "arn:aws:iam::000000000000:role/scripted"


@dataclass
class Scene:
    """A topic of three partitions, a scripted function, and mappings between them."""

    endpoint: str
    broker: Broker
    folder: Path
    topic: str
    function: str
    log: Path

    def send(self, *commands: str, partition: int = 0, **more: Any) -> None:
        """Append a message a command."""
        producer = Producer({"bootstrap.servers": self.broker.bootstrap_servers})
        for command in commands:
            producer.produce(self.topic, value=json.dumps({"do": command}), partition=partition, **more)
        assert producer.flush(10) == 0

    def mapping(self, **settings: Any) -> EventSourceMapping:
        """A mapping with small batches."""
        return EventSourceMapping.model_validate(
            {
                "FunctionName": self.function,
                "EventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/local/0-1",
                "BootstrapServers": self.broker.bootstrap_servers,
                "Topic": self.topic,
                "ConsumerGroupId": f"group-{self.topic}",
                "BatchSize": 10,
                "MaximumBatchingWindowInSeconds": 0.1,
                **settings,
            }
        )

    @contextmanager
    def polling(self, **settings: Any) -> Iterator[EventSource]:
        """A poller at work; afterwards it has stopped cleanly."""
        source = EventSource(self.mapping(**settings), self.endpoint, self.folder / f"{uuid.uuid4().hex}.json")
        thread = threading.Thread(target=source.run)
        thread.start()
        try:
            yield source
        finally:
            source.stop()
            thread.join(20)
            assert not thread.is_alive()

    def invocations(self, *, passed: bool | None = None) -> list[dict[str, Any]]:
        """What the function wrote down so far."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        found = [json.loads(line) for line in lines]
        return [each for each in found if passed is None or each["failed"] != passed]

    def offsets(self, *, passed: bool | None = None) -> list[list[tuple[int, int]]]:
        """(partition, offset) of the records of each invocation."""
        return [
            [(record["partition"], record["offset"]) for group in each["event"]["records"].values() for record in group]
            for each in self.invocations(passed=passed)
        ]

    def settled(self) -> set[tuple[int, int]]:
        """What the function has passed."""
        return {position for batch in self.offsets(passed=True) for position in batch}

    def until_settled(self, *positions: tuple[int, int]) -> None:
        """Wait until these have passed."""
        eventually(lambda: set(positions) <= self.settled(), 60)


@pytest.fixture
def scene(localstack: str, broker: Broker, scratch: Path) -> Scene:
    name = f"t{uuid.uuid4().hex[:8]}"
    folder = scratch / name
    folder.mkdir()
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(Path(__file__).parents[2] / "support" / "scripted_function.py", "scripted_function.py")
    functions = client("lambda", localstack)
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="scripted_function.handle",
        Role=ROLE,
        Timeout=30,
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": {"LOG": str(folder / "log")}},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    create_topic(broker.bootstrap_servers, name, 3)
    return Scene(localstack, broker, folder, name, name, folder / "log")


def test_the_function_gets_msks_own_event(scene: Scene) -> None:
    sent_at = int(time.time() * 1000) - 5000
    scene.send("ok", key="C1", headers=[("trace", b"\xff1"), ("trace", b"2")], timestamp=sent_at)
    with scene.polling():
        scene.until_settled((0, 0))
    [invocation] = scene.invocations()
    assert invocation["event"] == {
        "eventSource": "aws:kafka",
        "eventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/local/0-1",
        "bootstrapServers": scene.broker.bootstrap_servers,
        "records": {
            f"{scene.topic}-0": [
                {
                    "topic": scene.topic,
                    "partition": 0,
                    "offset": 0,
                    "timestamp": sent_at,
                    "timestampType": "CREATE_TIME",
                    "key": base64.b64encode(b"C1").decode(),
                    "value": base64.b64encode(b'{"do": "ok"}').decode(),
                    "headers": [{"trace": [-1, 49]}, {"trace": [50]}],
                }
            ]
        },
    }


def test_batches_are_as_large_as_asked_and_what_was_stored_is_not_sent_again(scene: Scene) -> None:
    scene.send(*["ok"] * 25)
    with scene.polling(BatchSize=10):
        scene.until_settled((0, 24))
    assert max(map(len, scene.offsets())) == 10
    scene.send("ok")
    with scene.polling():
        scene.until_settled((0, 25))
    sent = [position for batch in scene.offsets() for position in batch]
    assert sent == [(0, n) for n in range(26)]


def test_a_partition_has_one_invocation_at_a_time_and_all_have_theirs(scene: Scene) -> None:
    for partition in range(3):
        scene.send(*["slow"] * 6, partition=partition)
    with scene.polling(BatchSize=2):
        scene.until_settled(*((partition, 5) for partition in range(3)))
    spans: dict[str, list[tuple[float, float]]] = {}
    for each in scene.invocations():
        for name in each["event"]["records"]:
            spans.setdefault(name, []).append((each["began"], each["ended"]))
    assert len(spans) == 3
    for found in spans.values():
        ordered = sorted(found)
        assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(ordered))
    every = sorted(span for found in spans.values() for span in found)
    assert any(earlier[1] > later[0] for earlier, later in itertools.pairwise(every))


def test_on_demand_a_batch_is_sent_again_whole_until_it_passes_and_blocks_its_partition_only(scene: Scene) -> None:
    scene.send("ok", "once", "ok", "ok")
    scene.send("ok", "fail", partition=1)
    with scene.polling(MaximumRetryAttempts=1, BisectBatchOnFunctionError=True):  # known to provisioned pollers only
        scene.until_settled((0, 3))
        scene.send("ok")
        scene.until_settled((0, 4))
        eventually(lambda: sum((1, 1) in batch for batch in scene.offsets()) >= 4, 30)
    assert [batch for batch in scene.offsets() if (0, 1) in batch][:2] == [[(0, n) for n in range(4)]] * 2
    assert (1, 1) not in scene.settled()


@pytest.fixture
def given_up(scene: Scene) -> tuple[str, Callable[[], list[dict[str, Any]]]]:
    """A bucket for what is given up: its ARN, and what is in it."""
    s3, bucket = client("s3", scene.endpoint), f"given-up-{scene.topic}"
    s3.create_bucket(Bucket=bucket)

    def content() -> list[dict[str, Any]]:
        found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return [json.load(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"]) for each in found]

    return f"arn:aws:s3:::{bucket}", content


def test_provisioned_pollers_part_poison_from_its_neighbours_and_give_it_up_whole(
    scene: Scene, given_up: tuple[str, Callable[[], list[dict[str, Any]]]]
) -> None:
    arn, content = given_up
    scene.send(*["ok"] * 5, "fail", *["ok"] * 4)
    with scene.polling(
        MinimumPollers=1,
        MaximumRetryAttempts=2,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    ):
        scene.until_settled(*((0, n) for n in range(10) if n != 5))
    [kept] = content()
    [record] = json.loads(kept["payload"])["records"][f"{scene.topic}-0"]
    assert (record["offset"], base64.b64decode(record["value"])) == (5, b'{"do": "fail"}')
    passed = [position for batch in scene.offsets(passed=True) for position in batch]
    assert passed == [(0, n) for n in range(10) if n != 5]  # in order, once each
    assert sum(batch == [(0, 5)] for batch in scene.offsets(passed=False)) == 3


def test_a_partial_response_has_only_the_rest_sent_again(
    scene: Scene, given_up: tuple[str, Callable[[], list[dict[str, Any]]]]
) -> None:
    arn, content = given_up
    scene.send(*["ok"] * 4, "item", *["ok"] * 3)
    with scene.polling(
        MinimumPollers=1,
        MaximumRetryAttempts=1,
        BisectBatchOnFunctionError=True,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": arn}},
    ):
        eventually(content, 30)
        scene.until_settled((0, 7))
    sent = [position for batch in scene.offsets() for position in batch]
    assert [sent.count((0, n)) for n in range(4)] == [1, 1, 1, 1]
    sent_again = json.loads(content()[0]["payload"])["records"][f"{scene.topic}-0"]
    assert [record["offset"] for record in sent_again] == [4]


def test_two_members_share_the_partitions_and_lose_nothing_when_one_leaves(scene: Scene) -> None:
    def send(n: int) -> None:
        for partition in range(3):
            scene.send(*["ok"] * n, partition=partition)

    with scene.polling():
        send(20)
        with scene.polling():
            send(20)
            scene.until_settled(*((partition, 39) for partition in range(3)))
            send(20)
        send(20)
        scene.until_settled(*((partition, 79) for partition in range(3)))
    assert scene.settled() == {(partition, n) for partition in range(3) for n in range(80)}


def test_the_poller_outlives_the_broker(scene: Scene) -> None:
    scene.send(*["ok"] * 5)
    with scene.polling():
        scene.until_settled((0, 4))
        time.sleep(2.5)  # killed sooner, the development broker would lose what it acknowledged and has not saved
        process = scene.broker.process()
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        eventually(lambda: scene.broker.process() is None)
        scene.broker.start()
        scene.send(*["ok"] * 5)
        scene.until_settled(*((0, n) for n in range(10)))


def test_the_broker_listens_on_loopback_only(broker: Broker) -> None:
    process = broker.process()
    assert process is not None
    time.sleep(0.1)
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) == {"127.0.0.1"}

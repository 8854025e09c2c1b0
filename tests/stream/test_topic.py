"""The custom resources that find MSK's brokers, by the model of its API, and make the topic, on a broker's wire."""

import base64
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.stub import Stubber
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]

from functions.stream import brokers_handler, topic, topic_handler
from local import processes
from local.servers.broker import Broker
from tests.support.custom_resource import CREATE, Answers, listening
from tests.support.lambda_context import lambda_context

CLUSTER = "arn:aws:kafka:us-east-1:123456789012:cluster/c360-clickstream/0c8f7b1c-0000-0000-0000-000000000000-2"


@pytest.fixture
def answers() -> Iterator[Answers]:
    """CloudFormation's end."""
    with listening() as answers:
        yield answers


def context(seconds: float) -> LambdaContext:
    """An invocation that may go on for so long."""
    made = lambda_context()
    made.get_remaining_time_in_millis = lambda: round(seconds * 1000)  # type: ignore[method-assign]
    return made


def ask(answers: Answers, request: str, servers: str, name: str, *, seconds: float = 60, **more: Any) -> dict[str, Any]:
    """Send a request to the handler as CloudFormation does; the answer that arrived."""
    properties = {
        "ServiceToken": "arn",
        "BootstrapServers": servers,
        "TopicName": name,
        "Partitions": "3",
        "RetentionMs": "604800000",
        "Auth": "none",
    } | more.pop("properties", {})
    event = {**CREATE, "RequestType": request, "ResponseURL": answers.url, "ResourceProperties": properties, **more}
    topic_handler.handle(event, context(seconds))
    return answers.got.pop()


def client(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})


def partitions(broker: Broker, name: str) -> int:
    return len(client(broker).list_topics(name, timeout=5).topics[name].partitions)


def retention(broker: Broker, name: str) -> str:
    asking = client(broker)  # whose end would be the question's
    [config] = asking.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, name)]).values()
    return str(config.result(5)["retention.ms"].value)


def test_create_makes_the_topic_as_declared_and_again_changes_nothing(broker: Broker, answers: Answers) -> None:
    for _ in range(2):
        answer = ask(answers, "Create", broker.bootstrap_servers, "made")
        assert (answer["Status"], answer["PhysicalResourceId"], answer["Data"]) == (
            "SUCCESS",
            "made",
            {"Partitions": "3"},
        )
        assert (partitions(broker, "made"), retention(broker, "made")) == (3, "604800000")


def test_update_adds_partitions_and_sets_retention_and_takes_nothing_away(broker: Broker, answers: Answers) -> None:
    ask(answers, "Create", broker.bootstrap_servers, "mended")
    for declared, there in (("5", 5), ("2", 5)):
        answer = ask(
            answers,
            "Update",
            broker.bootstrap_servers,
            "mended",
            PhysicalResourceId="mended",
            properties={"Partitions": declared, "RetentionMs": "3600000"},
        )
        assert (answer["Status"], answer["Data"]) == ("SUCCESS", {"Partitions": str(there)})
        assert (partitions(broker, "mended"), retention(broker, "mended")) == (there, "3600000")


def test_delete_and_another_name_leave_the_messages_alone(broker: Broker, answers: Answers) -> None:
    ask(answers, "Create", broker.bootstrap_servers, "kept")
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    producer.produce("kept", value=b"precious", partition=0)
    assert producer.flush(10) == 0
    renamed = ask(answers, "Update", broker.bootstrap_servers, "renamed", PhysicalResourceId="kept")
    assert renamed["PhysicalResourceId"] == "renamed", "CloudFormation then deletes the former"
    deleted = ask(answers, "Delete", broker.bootstrap_servers, "kept", PhysicalResourceId="kept")
    assert (deleted["Status"], deleted["PhysicalResourceId"]) == ("SUCCESS", "kept")
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "check"})
    assert consumer.get_watermark_offsets(TopicPartition("kept", 0), timeout=5) == (0, 1)
    consumer.close()


def test_delete_needs_no_cluster(answers: Answers) -> None:
    gone = f"127.0.0.1:{processes.free_port()}"
    assert ask(answers, "Delete", gone, "t", seconds=0, PhysicalResourceId="t")["Status"] == "SUCCESS"


def test_a_cluster_that_is_not_there_yet_is_waited_for(
    answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic, "_REQUEST_SECONDS", 1)
    late = Broker(tmp_path / "late", processes.free_port(24600), tmp_path / "kafka.log")
    starting = threading.Timer(2, late.start)
    starting.start()
    try:
        assert ask(answers, "Create", late.bootstrap_servers, "patient", seconds=80)["Status"] == "SUCCESS"
        starting.join()
        assert partitions(late, "patient") == 3
    finally:
        starting.join()
        late.stop()


def test_what_cannot_be_is_told_in_time(broker: Broker, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    refused = ask(answers, "Create", broker.bootstrap_servers, "not a name")
    assert refused["Status"] == "FAILED"
    assert "refuses the topic not a name" in refused["Reason"]
    assert time.monotonic() - began < 10
    monkeypatch.setattr(topic, "_REQUEST_SECONDS", 1)
    away = ask(answers, "Create", f"127.0.0.1:{processes.free_port()}", "t", seconds=41)
    assert away["Status"] == "FAILED"
    assert "in time" in away["Reason"]
    wrong = ask(answers, "Create", broker.bootstrap_servers, "t", properties={"Partitions": "none"})
    assert wrong["Status"] == "FAILED"


def test_iam_signs_in_over_verified_tls_with_a_token_of_the_functions_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    settings = topic.iam_settings()
    assert (settings["security.protocol"], settings["sasl.mechanisms"]) == ("SASL_SSL", "OAUTHBEARER")
    assert "BEGIN CERTIFICATE" in Path(settings["ssl.ca.location"]).read_text(encoding="utf-8")
    token, expires = settings["oauth_cb"](None)
    url = urllib.parse.urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    query = urllib.parse.parse_qs(url.query)
    assert url.hostname == "kafka.eu-west-3.amazonaws.com"
    assert query["Action"] == ["kafka-cluster:Connect"]
    assert query["X-Amz-Credential"][0].startswith("AKIDEXAMPLE/")
    assert 60 < expires - time.time() <= 900


def test_the_signed_token_reaches_the_broker(broker: Broker, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The development broker takes any token, and no TLS: what is proven is that the client signs in before it asks."""
    signed = []

    def token(_settings: object) -> tuple[str, float]:
        signed.append(time.time())
        return "token", time.time() + 900

    without_tls = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "OAUTHBEARER", "oauth_cb": token}
    monkeypatch.setattr(topic, "iam_settings", lambda: without_tls)
    answer = ask(answers, "Create", broker.bootstrap_servers, "signed", properties={"Auth": "iam"})
    assert answer["Status"] == "SUCCESS"
    assert signed
    assert partitions(broker, "signed") == 3


@pytest.mark.parametrize(
    ("brokers", "expected"),
    [
        (
            {
                "BootstrapBrokerStringSaslIam": "b-1.c.kafka.us-east-1.amazonaws.com:9098,"
                "b-2.c.kafka.us-east-1.amazonaws.com:9098"
            },
            "b-1.c.kafka.us-east-1.amazonaws.com:9098,b-2.c.kafka.us-east-1.amazonaws.com:9098",
        ),
        (
            {"BootstrapBrokerStringSaslIam": "boot-x.c1.kafka-serverless.us-east-1.amazonaws.com:9098"},
            "boot-x.c1.kafka-serverless.us-east-1.amazonaws.com:9098",
        ),
        ({"BootstrapBrokerStringTls": "b-1.c.kafka.us-east-1.amazonaws.com:9094"}, None),
    ],
    ids=["provisioned", "serverless", "without-iam"],
)
def test_brokers_are_those_that_take_iam(
    answers: Answers, monkeypatch: pytest.MonkeyPatch, brokers: dict[str, str], expected: str | None
) -> None:
    kafka = boto3.client("kafka", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr("boto3.client", lambda _name: kafka)
    event = {
        **CREATE,
        "ResponseURL": answers.url,
        "ResourceProperties": {"ServiceToken": "arn", "ClusterArn": CLUSTER},
    }
    with Stubber(kafka) as stubber:
        stubber.add_response("get_bootstrap_brokers", brokers, {"ClusterArn": CLUSTER})
        brokers_handler.handle(event, lambda_context())
        answer = answers.got.pop()
        assert answer["PhysicalResourceId"] == CLUSTER
        if expected is None:
            assert (answer["Status"], "take IAM" in answer["Reason"]) == ("FAILED", True)
        else:
            assert (answer["Status"], answer["Data"]) == ("SUCCESS", {"BootstrapServers": expected})
        # nothing is asked on a deletion
        brokers_handler.handle({**event, "RequestType": "Delete", "PhysicalResourceId": CLUSTER}, lambda_context())
        assert answers.got.pop()["Status"] == "SUCCESS"


def test_a_licensed_localstacks_brokers_are_those_that_ask_for_nothing(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = boto3.client("kafka", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr("boto3.client", lambda _name: kafka)
    properties = {"ServiceToken": "arn", "ClusterArn": CLUSTER, "SignIn": "none"}
    with Stubber(kafka) as stubber:
        answer = {"BootstrapBrokerString": "localhost.localstack.cloud:4511"}
        stubber.add_response("get_bootstrap_brokers", answer, {"ClusterArn": CLUSTER})
        event = {**CREATE, "ResponseURL": answers.url, "ResourceProperties": properties}
        brokers_handler.handle(event, lambda_context())
    assert answers.got.pop()["Data"] == {"BootstrapServers": "localhost.localstack.cloud:4511"}

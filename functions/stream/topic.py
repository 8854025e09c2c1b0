"""The clickstream's topic on a cluster: made, and kept at least as it is declared; never taken away."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, though not by mypy's rule
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
)

from functions.common.errors import C360Error
from functions.common.logging import logger

_REQUEST_SECONDS = 15
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 15.0
_RETENTION = "retention.ms"
# What no other try cures. Anything else may: a cluster that has just been made takes a while to have a name in DNS, and
# to accept a role that has just been made.
_REFUSALS = {
    KafkaError.INVALID_CONFIG,
    KafkaError.INVALID_PARTITIONS,
    KafkaError.INVALID_REPLICATION_FACTOR,
    KafkaError.POLICY_VIOLATION,
    KafkaError.TOPIC_EXCEPTION,
}


class TopicError(C360Error):
    """The cluster refuses the topic, or cannot be reached in time."""


@dataclass(frozen=True)
class Topic:
    """A topic as it is declared; its replication is the cluster's default."""

    name: str
    partitions: int
    retention_ms: int


def admin(bootstrap_servers: str, auth: Literal["iam", "none"]) -> AdminClient:
    """A client that asks for nothing yet; with `iam` it signs in as the function's role, over verified TLS."""
    return AdminClient(
        {
            "bootstrap.servers": bootstrap_servers,
            "log_level": 0,
            "socket.timeout.ms": _REQUEST_SECONDS * 1000,
            **(iam_settings() if auth == "iam" else {}),
        }
    )


def iam_settings() -> dict[str, Any]:
    """librdkafka's settings for MSK's IAM access control (AWS: "Configure clients to use IAM access control").

    The certificates are those that botocore verifies AWS with: Lambda promises none at a place of its own.
    """
    return {
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "OAUTHBEARER",
        "oauth_cb": _token,
        "ssl.ca.location": str(files("botocore").joinpath("cacert.pem")),
    }


def _token(_settings: object) -> tuple[str, float]:
    """A token signed here and now with the function's credentials, and the second until which it is good."""
    from aws_msk_iam_sasl_signer import MSKAuthTokenProvider

    token, expires_ms = MSKAuthTokenProvider.generate_auth_token(os.environ["AWS_REGION"])
    return token, expires_ms / 1000


def ensure(connect: Callable[[], AdminClient], topic: Topic, seconds: float) -> int:
    """Make the topic, or add partitions and set retention where it has others; return how many partitions it has.

    Partitions beyond the declared ones stay: Kafka takes none away. Tries again, as a new client, for `seconds`.
    Raises TopicError.
    """
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return _ensure(connect(), topic)
        except KafkaException as error:
            reason = error.args[0]
            if reason.code() in _REFUSALS:
                raise TopicError(f"the cluster refuses the topic {topic.name}: {reason.str()}") from error
            if time.monotonic() + pause > deadline:
                raise TopicError(f"the cluster did not make the topic {topic.name} in time: {reason.str()}") from error
            logger.info("trying again to make the topic", extra={"reason": reason.str()})
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _ensure(client: AdminClient, topic: Topic) -> int:
    retention = str(topic.retention_ms)
    try:
        _wait_for(client.create_topics([NewTopic(topic.name, topic.partitions, config={_RETENTION: retention})]))
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    else:
        logger.info("topic made", extra={"topic": topic.name, "partitions": topic.partitions})
        return topic.partitions
    partitions = len(_wait_for(client.describe_topics(TopicCollection([topic.name]))).partitions)
    if partitions < topic.partitions:
        _wait_for(client.create_partitions([NewPartitions(topic.name, topic.partitions)]))
        logger.info("partitions added", extra={"topic": topic.name, "before": partitions, "now": topic.partitions})
    settings = ConfigResource(ConfigResource.Type.TOPIC, topic.name)
    if _wait_for(client.describe_configs([settings]))[_RETENTION].value != retention:
        change = ConfigEntry(_RETENTION, retention, incremental_operation=AlterConfigOpType.SET)
        changed = ConfigResource(ConfigResource.Type.TOPIC, topic.name, incremental_configs=[change])
        _wait_for(client.incremental_alter_configs([changed]))
        logger.info("retention set", extra={"topic": topic.name, "retention_ms": topic.retention_ms})
    return max(partitions, topic.partitions)


def _wait_for(asked: dict[Any, Any]) -> Any:
    """The answer to what was asked of one topic."""
    [answer] = asked.values()
    return answer.result(timeout=_REQUEST_SECONDS + 5)

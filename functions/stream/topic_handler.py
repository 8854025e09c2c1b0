"""Lambda handler of the custom resource that makes the clickstream's topic, from inside the cluster's network.

MSK Serverless makes no topic by itself, nor has it an API for that outside of Kafka's protocol.
"""

from typing import Annotated, Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from functions.common.custom_resource import answered
from functions.stream.topic import Topic, admin, ensure

_SECONDS_TO_ANSWER = 40


class _Properties(BaseModel):
    """The custom resource's properties; CloudFormation sends each as text."""

    model_config = ConfigDict(frozen=True, alias_generator=to_pascal)
    bootstrap_servers: str
    topic_name: str
    partitions: Annotated[int, Field(ge=1)]
    retention_ms: Annotated[int, Field(ge=1)]
    auth: Literal["iam", "none"] = "iam"


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer CloudFormation's request: make the topic on Create, mend it on Update, leave it alone on Delete.

    A topic that is declared under another name, or on another cluster, is a new one; the former keeps its messages.
    Attribute: `Partitions`, how many there are.
    """

    def apply() -> dict[str, str]:
        properties = _Properties.model_validate(event["ResourceProperties"])
        topic = Topic(properties.topic_name, properties.partitions, properties.retention_ms)
        seconds = context.get_remaining_time_in_millis() / 1000 - _SECONDS_TO_ANSWER
        made = ensure(lambda: admin(properties.bootstrap_servers, properties.auth), topic, seconds)
        return {"Partitions": str(made)}

    return answered(event, context, str(event["ResourceProperties"].get("TopicName", "topic")), apply)

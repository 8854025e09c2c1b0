"""Answering CloudFormation, for functions that a custom resource calls."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.common.logging import logger

_REASON_LIMIT = 2000  # CloudFormation takes 4 KB for the whole answer


def answered(
    event: dict[str, Any],
    context: LambdaContext,
    physical_id: str,
    apply: Callable[[], dict[str, str]],
    remove: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Call `apply` on Create and Update, `remove` on Delete, and answer CloudFormation, also when it fails.

    What `apply` returns are the resource's attributes. `physical_id` names what it makes: when an Update returns
    another one, CloudFormation deletes the former, so what a Delete leaves alone is never lost.
    """
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    known_as = {"PhysicalResourceId": event.get("PhysicalResourceId", physical_id)}
    try:
        if event["RequestType"] != "Delete":
            answer["Data"] = apply()
        else:
            answer |= known_as
            if remove is not None:
                remove()
    except Exception as error:  # noqa: BLE001 - whatever it is, CloudFormation would wait an hour for an answer
        logger.exception("the custom resource failed")
        reason = f"{error} (log stream {context.log_stream_name})"[:_REASON_LIMIT]
        answer |= {"Status": "FAILED", "Reason": reason} | known_as
    _send(event["ResponseURL"], answer)
    return answer


def _send(url: str, answer: dict[str, Any]) -> None:
    """Put the answer where CloudFormation looks for it (AWS: "Custom resource response objects")."""
    request = urllib.request.Request(url, json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - the URL is CloudFormation's
        response.read()

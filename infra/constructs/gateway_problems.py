"""API Gateway's own refusals in the API's shape: problem details (RFC 9457) with the request's id."""

import json
from http import HTTPStatus

from aws_cdk import aws_apigateway as apigateway

_REFUSALS = {
    "INVALID_API_KEY": (HTTPStatus.FORBIDDEN, "Send a valid key in the header X-Api-Key."),
    "ACCESS_DENIED": (HTTPStatus.FORBIDDEN, "This caller may not do this."),
    "THROTTLED": (HTTPStatus.TOO_MANY_REQUESTS, "Too many requests at once; try again shortly."),
    "QUOTA_EXCEEDED": (HTTPStatus.TOO_MANY_REQUESTS, "The key's quota of this month is used up."),
    "REQUEST_TOO_LARGE": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large."),
    "INTEGRATION_FAILURE": (HTTPStatus.SERVICE_UNAVAILABLE, "The service did not answer; try again shortly."),
    "INTEGRATION_TIMEOUT": (HTTPStatus.GATEWAY_TIMEOUT, "The service took too long to answer; try again shortly."),
    "DEFAULT_4XX": (None, "The request is not possible; see /docs."),
    "DEFAULT_5XX": (None, "An error of the service; try again shortly."),
}
"""Response types of API Gateway that never reach the function: their status (None: the gateway's), and a sentence."""

_RETRIED = ("THROTTLED", "INTEGRATION_FAILURE")  # a quota comes back in weeks


def problem_responses(api: apigateway.RestApi, origins: tuple[str, ...]) -> None:
    """Make `api` refuse as the function does, readable by pages of `origins` when that is any or one."""
    for name, (status, detail) in _REFUSALS.items():
        content: dict[str, object] = {"type": "about:blank", "detail": detail}
        headers = {"Content-Type": "'application/problem+json'", "X-Request-ID": "context.requestId"}
        if status is not None:
            content |= {"title": status.phrase, "status": int(status)}
        if name in _RETRIED:
            headers["Retry-After"] = "'1'"
        if len(origins) == 1:
            headers["Access-Control-Allow-Origin"] = f"'{origins[0]}'"
            headers["Access-Control-Expose-Headers"] = "'X-Request-ID,Retry-After'"
        body = json.dumps(content | {"request_id": "$context.requestId"})
        api.add_gateway_response(
            name.title().replace("_", ""),
            type=apigateway.ResponseType.of(name),
            status_code=None if status is None else str(int(status)),
            response_headers=headers,
            templates={"application/json": body},
        )

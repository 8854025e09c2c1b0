"""CloudFormation custom resources: asks the service token's function and waits for what it puts to the ResponseURL.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
"""

import json
import queue
import secrets
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Self

from botocore.config import Config
from localstack.aws.connect import connect_to
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceProvider,
)

DEFAULT_TIMEOUT_SECONDS = 3600  # CloudFormation's, when the resource has no ServiceTimeout
_STATE = "C360CustomResource"  # where the resource's own properties are kept beside its attributes


class CustomResourceError(Exception):
    """The resource's function failed, said that it failed, or did not answer."""


class CustomResourceProvider(ResourceProvider):
    TYPE = "AWS::CloudFormation::CustomResource"
    SCHEMA = MappingProxyType({"typeName": TYPE, "primaryIdentifier": [f"/properties/{_STATE}/PhysicalResourceId"]})

    def create(self, request):
        return _event(lambda: _model(request, _ask(request, "Create", request.desired_state)))

    def update(self, request):
        def change():
            old = request.previous_state[_STATE]
            answer = _ask(
                request,
                "Update",
                request.desired_state,
                PhysicalResourceId=old["PhysicalResourceId"],
                OldResourceProperties=_stringified(old["ResourceProperties"]),
            )
            model = _model(request, answer)
            if model[_STATE]["PhysicalResourceId"] != old["PhysicalResourceId"]:
                # A new id is a replacement: CloudFormation then deletes the old one.
                _ask(request, "Delete", old["ResourceProperties"], PhysicalResourceId=old["PhysicalResourceId"])
            return model

        return _event(change)

    def delete(self, request):
        def remove():
            if old := (request.previous_state or request.desired_state).get(_STATE):
                _ask(request, "Delete", old["ResourceProperties"], PhysicalResourceId=old["PhysicalResourceId"])
            return {}

        return _event(remove)


def _event(action) -> ProgressEvent:
    try:
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=action())
    except CustomResourceError as error:
        return ProgressEvent(status=OperationStatus.FAILED, resource_model={}, message=str(error))


def _model(request, answer: dict) -> dict:
    """What LocalStack keeps: the answer's Data, which Fn::GetAtt reads, and what later requests need."""
    physical_id = answer.get("PhysicalResourceId")
    if not physical_id:
        raise CustomResourceError("Invalid PhysicalResourceId: the function's response has none")
    attributes = {
        name: value if isinstance(value, (str, list, dict)) else _stringified(value)
        for name, value in (answer.get("Data") or {}).items()
    }
    return {**attributes, _STATE: {"PhysicalResourceId": physical_id, "ResourceProperties": request.desired_state}}


def _ask(request, request_type: str, properties: dict, **fields) -> dict:
    token = str(properties.get("ServiceToken", ""))
    if ":lambda:" not in token:
        raise CustomResourceError(f"ServiceToken {token!r} is not the ARN of a Lambda function")
    timeout = float(properties.get("ServiceTimeout", DEFAULT_TIMEOUT_SECONDS))
    with _ResponseUrl() as response:
        message = {
            "RequestType": request_type,
            "ResponseURL": response.url,
            "StackId": _stack_arn(request),
            "RequestId": str(uuid.uuid4()),
            "ResourceType": request.resource_type,
            "LogicalResourceId": request.logical_resource_id,
            "ServiceToken": token,
            "ResourceProperties": _stringified(properties),
            **fields,
        }
        threading.Thread(target=_invoke, args=(request, token, message, response), daemon=True).start()
        answer = response.wait(timeout)
    if answer.get("Status") != "SUCCESS":
        raise CustomResourceError(
            f"Received response status [FAILED] from custom resource. Reason: {answer.get('Reason')}"
        )
    return answer


def _invoke(request, token: str, message: dict, response: "_ResponseUrl") -> None:
    """Invoke and wait, so that a function that fails without an answer fails the resource at once, with its error."""
    client = connect_to(
        aws_access_key_id=request.account_id,
        region_name=request.region_name,
        config=Config(read_timeout=960, retries={"max_attempts": 0}),
    ).lambda_
    try:
        result = client.invoke(FunctionName=token, Payload=json.dumps(message).encode())
        payload = result["Payload"].read()
    except Exception as error:  # noqa: BLE001 (whatever it is, it is why the resource failed)
        response.put({"Status": "FAILED", "Reason": f"{token} could not be invoked: {error}"})
        return
    if result.get("FunctionError"):
        response.put({"Status": "FAILED", "Reason": f"{token} failed: {payload.decode(errors='replace')[:1500]}"})


def _stack_arn(request) -> str:
    if str(request.stack_id).startswith("arn:"):
        return request.stack_id
    owner = f"{request.region_name}:{request.account_id}"
    return f"arn:aws:cloudformation:{owner}:stack/{request.stack_name}/{request.stack_id}"


def _stringified(value):
    """CloudFormation passes every scalar of a custom resource's properties as a string."""
    if isinstance(value, dict):
        return {name: _stringified(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_stringified(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class _ResponseUrl:
    """A URL on loopback that takes one PUT, as CloudFormation's presigned S3 URL does."""

    def __enter__(self) -> Self:
        self._answers: queue.Queue[dict] = queue.Queue()
        self._path = f"/{secrets.token_urlsafe(16)}"
        handler = type("Handler", (_PutHandler,), {"path_expected": self._path, "answers": self._answers})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{self._path}"
        return self

    def __exit__(self, *_details) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, answer: dict) -> None:
        self._answers.put(answer)

    def wait(self, seconds: float) -> dict:
        deadline = time.monotonic() + seconds
        try:
            return self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise CustomResourceError(
                f"CloudFormation did not receive a response from your Custom Resource within {seconds:.0f} seconds"
            ) from None


class _PutHandler(BaseHTTPRequestHandler):
    path_expected: str
    answers: "queue.Queue[dict]"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != self.path_expected:
            self.send_error(403)
            return
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            answer = {"Status": "FAILED", "Reason": "the response is not a JSON object"}
        self.answers.put(answer)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: LocalStack's log is for LocalStack."""

"""A Lambda function made from a few lines of source, on the tests' LocalStack."""

import io
import json
import textwrap
import uuid
import zipfile
from typing import Any

from local.deployment.access_key import SHARED, AccessKey
from local.deployment.aws import client


class LambdaFunction:
    """Creates the function at once; `source` defines `handle(event, context)`."""

    def __init__(
        self, endpoint: str, source: str, *, timeout: int = 10, key: AccessKey = SHARED, **environment: str
    ) -> None:
        self.client = client("lambda", endpoint, key)
        self.name = f"f-{uuid.uuid4().hex[:12]}"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr(zipfile.ZipInfo("handler.py"), textwrap.dedent(source))
        self.arn: str = self.client.create_function(
            FunctionName=self.name,
            Runtime="python3.13",
            Handler="handler.handle",
            Role="arn:aws:iam::000000000000:role/test",
            Code={"ZipFile": archive.getvalue()},
            Timeout=timeout,
            Environment={"Variables": environment},
        )["FunctionArn"]
        self.client.get_waiter("function_active_v2").wait(FunctionName=self.name, WaiterConfig={"Delay": 1})

    def invoke(self, event: object = None) -> Any:
        """The handler's result. Fails the test when the function failed."""
        error, payload = self.invoke_raw(event)
        assert error is None, payload
        return payload

    def fail(self, event: object = None) -> dict[str, Any]:
        """The error object of an invocation that must fail."""
        error, payload = self.invoke_raw(event)
        assert error is not None, payload
        assert isinstance(payload, dict)
        return payload

    def invoke_raw(self, event: object = None) -> tuple[str | None, Any]:
        """FunctionError (None on success) and payload."""
        result = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event).encode())
        return result.get("FunctionError"), json.loads(result["Payload"].read())

"""What a finished c360 command wrote, and the outputs of a deployment of a test's making."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.outputs import Outputs


@dataclass(frozen=True)
class Finished:
    """How a command ended: its exit status and what it wrote."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout; fails when there is anything else."""
        result = json.loads(self.stdout)
        assert isinstance(result, dict)
        assert self.stdout.count("\n") == 1
        return result


type C360 = Callable[..., Finished]


def outputs_of(**changed: Any) -> Outputs:
    """Outputs of a local deployment."""
    return Outputs(
        **{
            "target": "embedded",
            "region": "us-east-1",
            "aws_endpoint_url": None,
            "landing_bucket": "landing-bucket",
            "state_machine_arn": "arn:aws:states:us-east-1:000000000000:stateMachine:load",
            "api_url": "http://127.0.0.1:4566/_aws/execute-api/abc/v1",
            "api_key": None,
            "local_api_url": "http://127.0.0.1:8000",
            "database_url": None,
            "kafka_bootstrap_servers": None,
            "kafka_topic": None,
            "alert_topic_arn": None,
        }
        | changed
    )

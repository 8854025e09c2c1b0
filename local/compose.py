"""The container target: LocalStack, PostgreSQL and Kafka of docker-compose.localstack.yml, and the same CDK app.

    python -m local.compose

LocalStack's container makes the database administrator's secret itself (infra/localstack).
"""

import shutil
import subprocess
import sys
from collections.abc import Callable

from local.deploy import CdkApp
from local.errors import LocalError
from local.paths import REPOSITORY, Paths

COMPOSE_FILE = REPOSITORY / "docker-compose.localstack.yml"
ENDPOINT = "http://127.0.0.1:4566"


def up(paths: Paths, progress: Callable[[str], None]) -> None:
    """Start the containers, wait until they are healthy, and deploy. Raises `LocalError`."""
    if shutil.which("docker") is None:
        raise LocalError("Docker is not installed; c360 up runs the platform without it.")
    progress("starting the containers")
    command = ["docker", "compose", "--file", str(COMPOSE_FILE), "up", "--detach", "--wait"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = [line.strip() for line in result.stderr.splitlines() if line.strip()] or ["no output"]
        said = [line for line in lines if any(word in line.lower() for word in ("error", "cannot", "unknown"))]
        raise LocalError(f"docker compose failed: {(said or lines[-1:])[0]}", result.stderr)
    context = {
        "target": "localstack",
        "endpoint_url": ENDPOINT,
        "bundle_platform": "container",
        "database_host": "postgres",
    }
    state = paths.state / "compose"
    app = CdkApp(state / "cdk.out", state / "cdk-home", paths.logs / "compose-cdk.log", context)
    app.stop_leftovers()
    app.synth(progress)
    app.bootstrap(ENDPOINT, progress)
    app.deploy(ENDPOINT, progress)


if __name__ == "__main__":
    try:
        up(Paths.default(), lambda line: print(line, file=sys.stderr))  # noqa: T201
    except LocalError as error:
        sys.exit(f"error: {error}")

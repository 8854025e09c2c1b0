"""CDK entry: context -> Deployment -> stacks. Run by the CDK command line (cdk.json)."""

import sys

from aws_cdk import App

from infra.app import build
from infra.config import Deployment
from infra.errors import DeploymentError


def main() -> None:
    """Synthesize; on a wrong option, say so in one line and fail."""
    app = App()
    try:
        build(app, Deployment.from_context(app.node.get_all_context()))
    except DeploymentError as error:
        sys.exit(f"error: {error}")
    app.synth()


if __name__ == "__main__":
    main()

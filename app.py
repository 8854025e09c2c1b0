"""CDK entry: context -> DeploymentConfig -> stacks. Run by the CDK command line (cdk.json)."""

import sys

from aws_cdk import App

from infra.app import build
from infra.config import DeploymentConfig
from infra.errors import SynthesisError


def main() -> None:
    """Synthesize; on a wrong option, say so in one line and fail."""
    app = App()
    try:
        build(app, DeploymentConfig.from_context(app.node.get_all_context()))
    except SynthesisError as error:
        sys.exit(f"error: {error}")
    app.synth()


if __name__ == "__main__":
    main()

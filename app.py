"""CDK entry: context -> DeploymentConfig -> stacks. Run by the CDK command line (cdk.json)."""

import os
import sys

from aws_cdk import App

from infra.app import build
from infra.config import DeploymentConfig
from infra.errors import SynthesisError
from infra.zones import check_certificate, check_zones


def main() -> None:
    """Synthesize; on a wrong option, say so in one line and fail."""
    app = App()
    try:
        deployment = DeploymentConfig.from_context(app.node.get_all_context())
        region = os.environ.get("CDK_DEFAULT_REGION", "")  # the CDK command line sets it
        check_zones(deployment, region)
        check_certificate(deployment, region)
        build(app, deployment)
    except SynthesisError as error:
        sys.exit(f"error: {error}")
    app.synth()


if __name__ == "__main__":
    main()

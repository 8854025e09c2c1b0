"""c360 env: the variables with which any AWS tool talks to this machine's LocalStack."""

import shlex

from cli.local_platform import require_this_machine
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output

EXAMPLES = examples(
    'eval "$(c360 env)"',
    'eval "$(c360 env)" && aws s3 ls',
)


def command(target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """Print the variables with which boto3, the AWS command line and other AWS tools use this machine's LocalStack."""
    from cli.deployment import open_deployment
    from local.deployment.aws import aws_environment

    require_this_machine(target, "env")
    deployment = open_deployment(target)
    variables = aws_environment(deployment.outputs.aws_endpoint_url or "", deployment.key)
    output = Output(as_json=json)
    output.show("\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()))
    output.result(variables)

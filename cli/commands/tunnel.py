"""c360 tunnel: forward a port of this machine to the database of an AWS deployment."""

import shutil
import subprocess
from typing import Annotated

import typer

from cli.errors import UsageError
from cli.options import Target, TargetOption, examples
from cli.tunnel import tunnel_command

EXAMPLES = examples(
    "c360 tunnel                                              leave it running; in another terminal:",
    'c360 sql "select count(*) from vw_customer_360"',
    "C360_DATABASE_USER=c360_bi_persons c360 sql              persons included, where your policy lets you",
)


def command(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of this machine.  [default: $C360_TUNNEL_PORT, or 5433]")
    ] = None,
    target: TargetOption = Target.AWS,
) -> None:
    """Forward a port to the database, by SSM, until Ctrl-C. For a deployment with -c database_access=tunnel.

    It takes AWS's command line with its Session Manager plugin, and one of the policies that the stack Access has made.
    """
    from cli.deployment import open_deployment

    if target is not Target.AWS:
        raise UsageError("c360 tunnel is for AWS: a local database is reached as it is, see `c360 outputs`")
    for program in ("aws", "session-manager-plugin"):
        if shutil.which(program) is None:
            raise UsageError(f"{program} is not installed: the tunnel is opened by AWS's command line and its plugin")
    deployment = open_deployment(target)
    command_line = tunnel_command(deployment.stack_outputs | deployment.access_outputs, deployment.outputs.region, port)
    raise typer.Exit(subprocess.run(command_line, check=False).returncode)

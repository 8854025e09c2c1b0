"""c360 down: stop the platform on this machine."""

from cli.local_platform import local_stack, require_this_machine
from cli.options import JsonOption, Target, TargetOption
from cli.output import Output


def command(target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """Stop the platform on this machine. The data stays for the next `c360 up`."""
    require_this_machine(target, "down")
    output = Output(as_json=json)
    stack = local_stack(target)
    with output.working("stopping") as report:
        stack.down(report)
    output.show("the platform is stopped; its data is kept")
    output.result({"status": "stopped"})

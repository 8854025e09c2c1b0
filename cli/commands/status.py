"""c360 status: what runs on this machine."""

from cli.local_platform import local_stack, require_this_machine
from cli.options import JsonOption, Target, TargetOption
from cli.output import Output, table


def command(target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """Show what is running on this machine now."""
    require_this_machine(target, "status")
    output = Output(as_json=json)
    stack = local_stack(target)
    status = stack.status().model_dump(mode="json")
    parts = {name: part for name, part in status.items() if isinstance(part, dict)}
    columns = ["state", "pid", "port", "detail"]
    output.show(
        table(
            ["part", *columns],
            [
                [name, part.get("state"), *(_plain(part.get(column)) for column in columns[1:])]
                for name, part in parts.items()
            ],
        )
    )
    output.result(status)


def _plain(value: object) -> str | None:
    return None if value is None else str(value)

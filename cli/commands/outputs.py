"""c360 outputs: where everything is."""

from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output, table

EXAMPLES = examples(
    "c360 outputs",
    "c360 outputs --json | jq -r .api_url",
    "c360 outputs --target aws",
    'curl -H "X-Api-Key: $(c360 outputs --json | jq -r .api_key)" …',
)


def command(target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """Print the addresses and names of the running platform, and the API's key if it requires one."""
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    outputs = open_deployment(target).with_api_key().model_dump(mode="json")
    output.show(table(["output", "value"], [[name, value] for name, value in outputs.items() if value is not None]))
    output.result(outputs)

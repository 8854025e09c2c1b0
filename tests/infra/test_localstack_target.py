"""The LocalStack target holds only what LocalStack's open runtime really creates."""

from tests.support.open_runtime import CREATED_BY_THE_OPEN_RUNTIME, KNOWN_FUNCTIONS
from tests.support.synthesis import Synthesis


def test_only_resource_types_that_localstack_creates(on_localstack: Synthesis) -> None:
    types = {resource["Type"] for _, resource in on_localstack.resources()}
    assert types <= CREATED_BY_THE_OPEN_RUNTIME


def test_functions_are_python_and_ours(on_localstack: Synthesis) -> None:
    """CDK's conveniences (auto-delete, log retention, providers) would bring Node.js functions of their own."""
    functions = [resource["Properties"] for _, resource in on_localstack.resources("AWS::Lambda::Function")]
    assert {function["Runtime"] for function in functions} == {"python3.13"}
    assert all(function["Handler"].startswith("functions.") for function in functions)


def test_only_intrinsic_functions_that_localstack_knows(on_localstack: Synthesis) -> None:
    used: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            used.update(key for key in value if key.startswith("Fn::"))
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    for stack in ("Data", "Pipeline", "Api"):
        walk(on_localstack.template(stack)["Resources"])
        walk(on_localstack.template(stack)["Outputs"])
    assert used <= KNOWN_FUNCTIONS

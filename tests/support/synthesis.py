"""Synthesizes the CDK app in this process, and reads what came out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App

from infra.app import build
from infra.config import DeploymentConfig

REPOSITORY = Path(__file__).resolve().parents[2]
CDK_JSON: dict[str, Any] = json.loads((REPOSITORY / "cdk.json").read_text())

type Resource = dict[str, Any]


@dataclass(frozen=True)
class Synthesis:
    """The templates of one synthesized deployment."""

    folder: Path
    prefix: str = "C360"

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.template.json"))

    def template(self, stack: str) -> dict[str, Any]:
        """The template of `Data`, `Pipeline` or `Api`."""
        template: dict[str, Any] = json.loads((self.folder / f"{self.prefix}-{stack}.template.json").read_text())
        return template

    def outputs(self, stack: str) -> dict[str, Any]:
        """Outputs by name, without the exports that stacks have for each other."""
        outputs = self.template(stack)["Outputs"]
        return {name: output["Value"] for name, output in outputs.items() if "Export" not in output}

    def resources(self, resource_type: str | None = None) -> Iterator[tuple[str, Resource]]:
        """Logical id and definition of every resource (of a type) in all stacks."""
        for stack in ("Data", "Pipeline", "Api"):
            for name, resource in self.template(stack)["Resources"].items():
                if resource_type in (None, resource["Type"]):
                    yield name, resource

    def properties(self, resource_type: str, name: str = "") -> dict[str, Any]:
        """Properties of the only resource of a type whose logical id starts with `name`."""
        matching = [r["Properties"] for key, r in self.resources(resource_type) if key.startswith(name)]
        assert len(matching) == 1, f"{len(matching)} resources of type {resource_type} start with {name!r}"
        properties: dict[str, Any] = matching[0]
        return properties

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every statement of every IAM policy, with the logical id of what it belongs to."""
        for name, resource in self.resources("AWS::IAM::Policy"):
            yield from ((name, statement) for statement in resource["Properties"]["PolicyDocument"]["Statement"])
        for name, resource in self.resources("AWS::IAM::Role"):
            for policy in resource["Properties"].get("Policies", []):
                yield from ((name, statement) for statement in policy["PolicyDocument"]["Statement"])

    def state_machine(self) -> dict[str, Any]:
        """The state machine's definition; references are replaced by the logical id they name."""
        definition: dict[str, Any] = json.loads(
            flat(self.properties("AWS::StepFunctions::StateMachine")["DefinitionString"])
        )
        return definition


def flat(value: Any) -> str:
    """A value with intrinsic functions as text: each reference as the name it refers to."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(flat(part) for part in parts)
        case {"Ref": name} | {"Fn::GetAtt": [name, _]} | {"Fn::ImportValue": name} | {"Fn::Sub": name}:
            return str(name)
        case _:
            return str(value)


def synthesize(folder: Path, **context: str) -> Synthesis:
    """Synthesize with cdk.json's flags and `context`, without bundling the functions."""
    app = App(
        outdir=str(folder),
        analytics_reporting=CDK_JSON["versionReporting"],
        context={**CDK_JSON["context"], **context, "aws:cdk:bundling-stacks": []},
    )
    deployment = DeploymentConfig.from_context(app.node.get_all_context())
    build(app, deployment)
    app.synth()
    return Synthesis(folder, deployment.prefix)


def actions(statement: dict[str, Any]) -> list[str]:
    """The actions of a policy's statement."""
    value = statement["Action"]
    return [value] if isinstance(value, str) else value


def resources(statement: dict[str, Any]) -> list[str]:
    """The resources of a policy's statement, flattened to text."""
    value = statement["Resource"]
    return [flat(item) for item in (value if isinstance(value, list) else [value])]

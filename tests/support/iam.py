"""What the synthesized policies allow a function: IAM's rules for allow statements of identities, evaluated here."""

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from tests.support.synthesis import Synthesis, actions

_PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}


class Templates:
    """All templates of a deployment, their references resolved as if they were deployed.

    A bucket's physical name is its logical id in lower case; other resources' are their logical ids. `physical`
    replaces them.
    """

    def __init__(self, synthesis: Synthesis, physical: dict[str, str] | None = None) -> None:
        self._templates = [json.loads(file.read_text()) for file in synthesis.files]
        self.physical = physical or {}

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Logical id -> resource, of all stacks."""
        return {name: each for template in self._templates for name, each in template["Resources"].items()}

    @cached_property
    def _exports(self) -> dict[str, Any]:
        outputs = [each for template in self._templates for each in template.get("Outputs", {}).values()]
        return {output["Export"]["Name"]: output["Value"] for output in outputs if "Export" in output}

    def of_type(self, resource_type: str, start: str = "") -> str:
        """The logical id of the only resource of a type whose id starts so."""
        [found] = [n for n, each in self.resources.items() if each["Type"] == resource_type and n.startswith(start)]
        return found

    def function(self, module: str) -> dict[str, Any]:
        """Properties of the function whose handler is in this module."""
        [found] = [
            each["Properties"]
            for each in self.resources.values()
            if each["Type"] == "AWS::Lambda::Function" and each["Properties"]["Handler"] == f"{module}.handle"
        ]
        properties: dict[str, Any] = found
        return properties

    def environment(self, module: str) -> dict[str, str]:
        """The function's environment variables, resolved."""
        variables = self.function(module)["Environment"]["Variables"]
        return {name: self.resolve(value) for name, value in variables.items()}

    def resolve(self, value: Any) -> str:
        """A value with intrinsic functions as the text that CloudFormation would make of it."""
        match value:
            case str() | int():
                return str(value)
            case {"Ref": name}:
                return _PSEUDO.get(name) or self._name(name)
            case {"Fn::GetAtt": [name, "Arn"]} if self.resources[name]["Type"] == "AWS::S3::Bucket":
                return f"arn:aws:s3:::{self._name(name)}"
            case {"Fn::GetAtt": [name, attribute]}:
                return f"{self._name(name)}.{attribute}"
            case {"Fn::ImportValue": name}:
                return self.resolve(self._exports[name])
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(self.resolve(part) for part in parts)
            case {"Fn::Select": [index, {"Fn::Split": [separator, whole]}]}:
                return [*self.resolve(whole).split(separator), "", "", ""][int(index)]
            case _:
                raise NotImplementedError(value)

    def _name(self, logical_id: str) -> str:
        if logical_id in self.physical:
            return self.physical[logical_id]
        is_bucket = self.resources.get(logical_id, {}).get("Type") == "AWS::S3::Bucket"
        return logical_id.lower() if is_bucket else logical_id


@dataclass(frozen=True)
class Allowed:
    """An action that a statement allows on a resource, both as patterns."""

    action: str
    resource: str


class Policy:
    """Everything that a role's policies allow. A denial or a condition is refused: ours have none."""

    def __init__(self, templates: Templates, module: str) -> None:
        role = templates.function(module)["Role"]["Fn::GetAtt"][0]
        statements: list[dict[str, Any]] = []
        for name, resource in templates.resources.items():
            properties = resource["Properties"]
            if name == role:
                assert not properties.get("ManagedPolicyArns"), f"{role} has policies that are not in the template"
                for policy in properties.get("Policies", []):
                    statements += policy["PolicyDocument"]["Statement"]
            if resource["Type"] == "AWS::IAM::Policy" and {"Ref": role} in properties["Roles"]:
                statements += properties["PolicyDocument"]["Statement"]
        assert all(each["Effect"] == "Allow" and "Condition" not in each for each in statements)
        self.allowed = frozenset(
            Allowed(action, templates.resolve(resource))
            for each in statements
            for action in actions(each)
            for resource in (each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]])
        )

    def fitting(self, action: str, resource: str) -> list[Allowed]:
        """What allows the action on the resource; nothing: it is refused."""
        return [
            each
            for each in self.allowed
            if fnmatchcase(action.lower(), each.action.lower()) and fnmatchcase(resource, each.resource)
        ]

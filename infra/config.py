"""The deployment's options, parsed once from the CDK context (`-c key=value` or cdk.json). Nothing else reads it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import ValidationError, model_validator

from infra.contradictions import first_contradiction
from infra.errors import ConfigError
from infra.options import DEFAULTS_BY_TARGET, DatabaseKind, Options, StreamKind, Target
from infra.outputs import PREFIX


class DeploymentConfig(Options):
    """Options that fit each other."""

    @model_validator(mode="after")
    def _contradicts_nothing(self) -> Self:
        if found := first_contradiction(self):
            raise ValueError(found)
        return self

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Self:
        """Parse the CDK context; keys with ':', '/' or '@' are CDK's own and are skipped.

        Raises ConfigError, one line naming the first wrong key and what it may be.
        """
        options = {key: value for key, value in context.items() if not _is_cdk_key(key)}
        try:
            target = Target(options.get("target", ""))
        except ValueError:
            given = f"target={options['target']}" if "target" in options else "target is not set"
            raise ConfigError(f"{given}: pass -c target=aws or -c target=localstack") from None
        if stage := options.get("stage"):
            options["prefix"] = f"{options.get('prefix', PREFIX)}-{stage}"
        if options.get("database_secret") and target is Target.AWS:
            options.setdefault("database", DatabaseKind.EXTERNAL)
        if target is Target.LOCALSTACK and options.get("localstack_managed") in (True, "true", "enabled"):
            options = {"database": DatabaseKind.RDS, "stream": StreamKind.PROVISIONED, "database_secret": "", **options}
        try:
            return cls.model_validate(DEFAULTS_BY_TARGET[target] | options)
        except ValidationError as error:
            raise ConfigError(_explain(error)) from None


def _is_cdk_key(key: str) -> bool:
    return any(mark in key for mark in ":/@") or key in {"cli-telemetry", "acknowledged-issue-numbers"}


def _explain(error: ValidationError) -> str:
    problem = error.errors()[0]
    if not problem["loc"]:
        return problem["msg"].removeprefix("Value error, ")
    key = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"unknown context key {key!r}: known are {', '.join(sorted(DeploymentConfig.model_fields))}"
    annotation = DeploymentConfig.model_fields[key].annotation
    if annotation is bool:
        return f"{key}={problem['input']}: use enabled or disabled"
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return f"{key}={problem['input']}: use {' or '.join(annotation)}"
    return f"{key}={problem['input']}: {problem['msg'][0].lower()}{problem['msg'][1:]}"

"""docs/configuration.md, made from DeploymentConfig: `python -m infra.configuration_page > docs/configuration.md`."""

import sys
from typing import Any

from infra.config import DeploymentConfig
from infra.options import DEFAULTS_BY_TARGET, Target

_SECTIONS = {
    "target": "The deployment",
    "database": "Database",
    "schedule": "Nightly load",
    "api_key": "API",
    "stream": "Clickstream",
    "quicksight_principal": "QuickSight",
    "bundle_platform": "Bundles and budget",
}
"""Headings, each by the first key below it."""

_HEAD = """\
# Configuration

Every option of a deployment. An option is a context key of the CDK app: pass it as `-c key=value` to `npx cdk`, or keep
it under `context` in `cdk.json`. `target` is required. An unknown key, a value that does not fit, or two options that
contradict each other stop the synthesis with one line that names them.

`c360 up` sets the options of the LocalStack target itself. This page is made from `infra/options.py` by
`.venv/bin/python -m infra.configuration_page > docs/configuration.md`, and a test compares the two.
"""


def page() -> str:
    """The page as committed: Markdown, a table a section, a newline at its end."""
    schema = DeploymentConfig.model_json_schema()
    lines = [_HEAD]
    for key in DeploymentConfig.model_fields:
        if key in _SECTIONS:
            lines += [f"\n## {_SECTIONS[key]}\n", "| key | values | default | what |", "|---|---|---|---|"]
        lines.append(f"| `{key}` | {_values(key, schema)} | {_default(key)} | {_description(key)} |")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _values(key: str, schema: dict[str, Any]) -> str:
    """What the option may be, as its JSON schema says it."""
    described = schema["properties"][key]
    if "anyOf" in described:
        [described] = [one for one in described["anyOf"] if one.get("type") != "null"]
    if "$ref" in described:
        described = schema["$defs"][described["$ref"].rpartition("/")[2]]
    match described:
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"type": "boolean"}:
            return "`enabled`, `disabled`"
        case {"type": "integer" | "number" as kind}:
            return ("whole number" if kind == "integer" else "number") + _range(described)
        case {"type": "array"}:
            return "list"
        case _:
            return "text"


def _range(described: dict[str, Any]) -> str:
    lowest, above, highest = (described.get(name) for name in ("minimum", "exclusiveMinimum", "maximum"))
    parts = [
        f"from {lowest:,}" if lowest is not None else "",
        f"above {above:,}" if above is not None else "",
        f"to {highest:,}" if highest is not None else "",
    ]
    return "".join(f" {part}" for part in parts if part)


def _default(key: str) -> str:
    by_target = [DEFAULTS_BY_TARGET[target].get(key) for target in Target]
    if all(value is not None for value in by_target):
        if len({*by_target}) == 1:
            return _text(by_target[0])
        return ", ".join(f"{target}: {_text(value)}" for target, value in zip(Target, by_target, strict=True))
    field = DeploymentConfig.model_fields[key]
    return "required" if field.is_required() else _text(field.default)


def _text(value: object) -> str:
    match value:
        case bool():
            return "`enabled`" if value else "`disabled`"
        case None | "" | ():
            return "none"
        case tuple():
            return f"`{','.join(value)}`"
        case _:
            return f"`{value}`"


def _description(key: str) -> str:
    described = DeploymentConfig.model_fields[key].description
    if not described:
        raise LookupError(f"{key} has no docstring in infra/options.py")
    return " ".join(described.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())

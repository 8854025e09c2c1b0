"""Every context's templates as text that a review can read: `python -m tests.support.template_snapshots` writes them.

Those of a target's default are whole; those of other contexts are what differs from the default.
"""

import json
import re
import tempfile
from difflib import unified_diff
from pathlib import Path

from tests.support.synthesis import REPOSITORY, Synthesis, synthesize

FOLDER = REPOSITORY / "tests" / "infra" / "snapshots"

_AWS = {"target": "aws", "alert_email": "data@example.com"}
_NETWORK = {"vpc": "vpc-0123456789abcdef0", "vpc_subnets": "subnet-0123456789abcdef0,subnet-0123456789abcdef1"}
_LOCALSTACK = {"target": "localstack", "database_host": "127.0.0.1"}
EXISTING = _NETWORK | {
    "database_secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/postgres-AbCdEf",
    "database_security_group": "sg-0123456789abcdef0",
}
"""A network and a server of PostgreSQL that are there before."""
GUARDED = {
    "waf": "enabled",
    "domain_name": "api.example.com",
    "certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d",
    "hosted_zone_id": "Z0123456789ABCDEF",
    "database_proxy": "enabled",
}
"""What may stand before the API, and before its database."""
CONTEXTS: dict[str, dict[str, str]] = {
    "aws": _AWS,
    "aws-aurora": _AWS | {"database": "aurora"},
    "aws-provisioned": _AWS | {"stream": "provisioned"},
    "aws-pollers": _AWS | {"stream": "provisioned", "stream_pollers": "1"},
    "aws-serverless": _AWS | {"stream": "serverless"},
    "aws-watched": _AWS
    | {"audit_bucket": "enabled", "encrypt_alerts": "enabled", "database_logs": "enabled", "budget": "30"},
    "aws-tokens": _AWS | {"api_key": "disabled", "jwt_issuer": "https://issuer.example", "jwt_audience": "shop"},
    "aws-quicksight": _AWS | {"quicksight_principal": "arn:aws:quicksight:us-east-1:123456789012:user/default/you"},
    "aws-batch": _AWS | {"lake": "disabled", "schedule": "disabled", "on_arrival": "enabled"},
    "aws-stage": _AWS | {"stage": "test", "keep_data": "disabled"},
    "aws-existing-network": _AWS | _NETWORK | {"stream": "serverless", "database_access": "tunnel"},
    "aws-existing-database": _AWS | EXISTING | {"stream": "provisioned"},
    "aws-guarded": _AWS
    | GUARDED
    | {"customer_key": "enabled", "audit_bucket": "enabled", "stream": "provisioned", "stream_pollers": "1"},
    "aws-tunnel": _AWS | {"database_access": "tunnel"},
    "aws-data-api": _AWS | {"database": "aurora", "database_access": "data-api"},
    "aws-spark": _AWS | {"engine": "spark"},
    "localstack": _LOCALSTACK,
    "localstack-managed": {"target": "localstack", "localstack_managed": "true"},
    "localstack-spark": _LOCALSTACK | {"engine": "spark"},
    "localstack-batch": _LOCALSTACK | {"stream": "disabled", "schedule": "disabled"},
    "localstack-as-aws": _LOCALSTACK | {"api_key": "enabled", "lake": "enabled"},
}
"""Name -> options. The first of a target is its default."""

_NO_CHANGE = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"(RestApiDeployment[0-9A-F]{8})[0-9a-f]{32}"), r"\1HASH"),
    (re.compile(r'("SchemaHash": ")[0-9a-f]+'), r"\1HASH"),
    (re.compile(r'"(x86_64|arm64)"'), '"PROCESSOR"'),  # on LocalStack that of this machine
)


def default_of(name: str) -> str:
    """The context that this one is compared with."""
    return name.partition("-")[0]


def text(synthesis: Synthesis) -> str:
    """All templates, sorted, without what changes with every line of code."""
    parts = []
    for file in synthesis.files:
        template = json.dumps(json.loads(file.read_text()), indent=1, sort_keys=True)
        for pattern, replacement in _NO_CHANGE:
            template = pattern.sub(replacement, template)
        parts.append(f"== {file.name.removesuffix('.template.json')}\n{template}\n")
    return "".join(parts)


def snapshots(whole: dict[str, str]) -> dict[str, str]:
    """Name -> what is committed of it: the text itself, or what differs from the default's."""
    return {
        name: content if name == default_of(name) else _differences(whole[default_of(name)], content)
        for name, content in whole.items()
    }


def _differences(default: str, content: str) -> str:
    lines = unified_diff(default.splitlines(), content.splitlines(), n=2, lineterm="")
    # line numbers would change with every change above
    return "".join(f"{'@@' if line.startswith('@@') else line}\n" for line in lines if line[:4] not in ("--- ", "+++ "))


def main() -> None:
    """Write them all."""
    with tempfile.TemporaryDirectory() as scratch:
        whole = {name: text(synthesize(Path(scratch) / name, **context)) for name, context in CONTEXTS.items()}
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for name, content in snapshots(whole).items():
        (FOLDER / f"{name}.txt").write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()

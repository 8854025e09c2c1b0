"""docs/cost.md, made from the prices of infra/cost.py: `python -m infra.cost_page > docs/cost.md`."""

import sys

from infra.config import DeploymentConfig
from infra.cost import AS_OF, HOURS, PRICES, REGION, estimate, total

CONTEXTS: tuple[dict[str, str], ...] = (
    {},
    {"database": "aurora"},
    {"database_secret": "…", "vpc": "vpc-00000000", "vpc_subnets": "subnet-00000000,subnet-00000001"},
    {"encrypt_alerts": "enabled"},
    {"customer_key": "enabled"},
    {"database_proxy": "enabled"},
    {"waf": "enabled"},
    {"database_access": "tunnel"},
    {"database": "aurora", "database_access": "data-api"},
    {"stream": "provisioned"},
    {"stream": "provisioned", "stream_pollers": "1"},
    {"stream": "serverless"},
    {"quicksight_principal": "arn:aws:quicksight:us-east-1:123456789012:user/default/you"},
)
"""What the page compares, each beside `target=aws`."""

_HEAD = f"""\
# What it costs

Two kinds of cost: what is paid by the hour, also when nobody uses the platform, and what is paid by use. The synthesis
prints the first, and `-c budget=30` makes it fail above 30 dollars a month. The figures are for {REGION}, on demand,
with the prices of {AS_OF}; other regions differ by some 20 %. AWS's free tier for new accounts is not counted. None of
this has been compared with a bill of AWS.

## Idle, a month
"""

_USE = """\
## By use

| what | price |
|---|---|
| Lambda on arm64 | $0.0000133 a GB-second, $0.20 a million invocations |
| Step Functions | $0.025 a thousand transitions; a night of ten files makes about 40 |
| S3 | $0.023 a GB and month, $0.005 a thousand writes; the landing bucket keeps every version for 90 days |
| API Gateway | $3.50 a million requests |
| CloudWatch Logs | $0.50 a GB; the model's `retention` says how long they are kept |
| CloudWatch | each account has 10 alarms and 3 dashboards of 50 metrics free, which the platform fits; the counts of \
a load cost cents |
| Aurora while it is awake | $0.12 an hour and capacity unit, at least half a unit: 0.06 dollars an hour |
| RDS storage above 20 GB | $0.115 a GB and month; it grows by itself up to 100 GB |

The nightly load of the sample data (115,000 rows) takes less than a minute of one function with 1 GB: less than a
cent a night. Aurora sleeps after ten minutes without a connection, so an API that is called all day keeps it awake:
about 44 dollars a month, more than RDS.

## Keep it small

- `-c lake=disabled` ends the export, `-c schedule=disabled` the nightly start.
- One database of RDS serves the default; a stopped instance starts again by itself after seven days.
- [Leaving](deploy-aws.md#leave) says what is kept, and costs, after `cdk destroy`.

This page is made by `.venv/bin/python -m infra.cost_page > docs/cost.md`, and a test compares the two.
"""


def page() -> str:
    """The page as committed: Markdown, a newline at its end."""
    lines = [_HEAD, "| options beside `-c target=aws` | dollars | made of |", "|---|---|---|"]
    lines += [_row(context) for context in CONTEXTS]
    lines += ["", f"## Prices ({REGION}, {AS_OF})", "", "| what | dollars | a month |", "|---|---|---|"]
    for price in PRICES.values():
        unit = f"{price.dollars:g} an hour, {HOURS} hours" if price.hourly else f"{price.dollars:g}"
        lines.append(f"| {price.what} | {unit} | {price.a_month:.3f} |")
    return "\n".join([*lines, "", _USE])


def _row(context: dict[str, str]) -> str:
    items = estimate(DeploymentConfig.from_context({"target": "aws", **context}))
    options = " ".join(f"`-c {key}={'…' if _is_an_id(value) else value}`" for key, value in context.items()) or "none"
    return f"| {options} | **{total(items):.2f}** | {'; '.join(f'{item.what}: {item.dollars:.2f}' for item in items)} |"


def _is_an_id(value: str) -> bool:
    return "/" in value or value.startswith(("vpc-", "subnet-"))


if __name__ == "__main__":
    sys.stdout.write(page())

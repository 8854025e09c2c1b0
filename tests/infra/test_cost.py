"""The idle cost is known before a deployment, and a budget holds."""

from pathlib import Path

import pytest

from infra.config import DeploymentConfig
from infra.cost import PRICES, check_budget, estimate, report, total
from infra.cost_page import CONTEXTS, page
from infra.errors import BudgetError
from tests.support.synthesis import REPOSITORY, synthesize

PRINCIPAL = "arn:aws:quicksight:us-east-1:123456789012:user/default/someone"
# By hand, from AWS's price lists of November 2026: an hour times 730, or a month.
RDS = 11.68 + 2.30
BROKERS = 66.58 + 2.00
HOST = 3.07 + 0.64
NETWORK = {"vpc": "vpc-0123456789abcdef0", "vpc_subnets": "subnet-0123456789abcdef0,subnet-0123456789abcdef1"}
SERVER = NETWORK | {"database_secret": "shop/postgres"}
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d"
SERVERLESS = 547.50 + 4 * 1.095


@pytest.mark.parametrize(
    ("context", "by_hand"),
    [
        ({}, RDS),
        ({"database": "aurora"}, 1.00),
        ({"encrypt_alerts": "enabled"}, RDS + 1.00),
        ({"stream": "provisioned"}, RDS + BROKERS + 14.60),
        ({"stream": "provisioned", "stream_pollers": "2"}, RDS + BROKERS + 2 * 135.05),
        ({"stream": "serverless"}, RDS + SERVERLESS + 14.60),
        ({"stream": "serverless", "stream_partitions": "10"}, RDS + 547.50 + 10.95 + 14.60),
        ({"quicksight_principal": PRINCIPAL}, RDS + 7.30 + 0.40 + 24.00),
        (SERVER, 5 * 0.40),
        (SERVER | {"stream": "provisioned"}, 5 * 0.40 + BROKERS),
        (NETWORK | {"database_access": "tunnel"}, RDS + HOST),
        ({"customer_key": "enabled"}, RDS + 1.00),
        ({"customer_key": "enabled", "encrypt_alerts": "enabled"}, RDS + 2.00),
        ({"database_proxy": "enabled"}, RDS + 21.90),
        ({"waf": "enabled"}, RDS + 5.00 + 3 * 1.00),
        ({"domain_name": "api.example.com", "certificate_arn": CERTIFICATE}, RDS),
        ({"database_access": "tunnel"}, RDS + HOST + 14.60),
        ({"database": "aurora", "database_access": "data-api"}, 1.00 + 7.30 + 0.40),
        ({"database": "aurora", "database_access": "data-api", "quicksight_principal": PRINCIPAL}, 32.70),
    ],
)
def test_each_context_costs_what_a_sum_by_hand_says(context: dict[str, str], by_hand: float) -> None:
    items = estimate(DeploymentConfig.from_context({"target": "aws"} | context))
    assert total(items) == pytest.approx(by_hand, rel=0.02)


def test_the_default_costs_at_most_15_dollars_a_month() -> None:
    items = estimate(DeploymentConfig.from_context({"target": "aws"}))
    assert total(items) <= 15
    assert "us-east-1, prices of November 2026" in report(items)
    assert f"{total(items):.2f}  in all" in report(items)


def test_every_price_is_used_and_the_page_of_costs_is_up_to_date() -> None:
    used = {
        price
        for context in (*CONTEXTS, {"stream": "serverless", "stream_pollers": "1"})
        for item in estimate(DeploymentConfig.from_context({"target": "aws", **context}))
        for _, price in item.of
    }
    assert used == PRICES.keys()
    written = (REPOSITORY / "docs" / "cost.md").read_text("utf-8")
    assert written == page(), "run `.venv/bin/python -m infra.cost_page > docs/cost.md`"


def test_localstack_costs_nothing() -> None:
    assert estimate(DeploymentConfig.from_context({"target": "localstack", "database_host": "h"})) == ()


@pytest.mark.parametrize(("budget", "fits"), [("13", False), ("14", True)])
def test_a_budget_fails_what_costs_more(budget: str, fits: bool) -> None:
    deployment = DeploymentConfig.from_context({"target": "aws", "budget": budget})
    if fits:
        check_budget(deployment)
    else:
        with pytest.raises(BudgetError, match=r"would cost \$13\.98 a month when idle .* budget is \$13\.00"):
            check_budget(deployment)


def test_synth_fails_above_the_budget(tmp_path: Path) -> None:
    with pytest.raises(BudgetError):
        synthesize(tmp_path / "out", target="aws", budget="13")


def test_synth_prints_the_estimate_on_stderr_on_aws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthesize(tmp_path / "out", target="aws", database="aurora", prefix="Shop")
    printed = capsys.readouterr()
    assert "Aurora Serverless v2" in printed.err
    assert printed.out == ""

"""The idle cost is known before a deployment, and a budget holds."""

from pathlib import Path

import pytest

from infra.config import DeploymentConfig
from infra.cost import check_budget, estimate, report, total
from infra.errors import BudgetError
from tests.support.synthesis import synthesize


def test_batch_only_costs_the_database() -> None:
    items = estimate(DeploymentConfig.from_context({"target": "aws"}))
    assert total(items) == pytest.approx(14.00)
    assert "us-east-1" in report(items)
    assert "14.00" in report(items)


def test_localstack_costs_nothing() -> None:
    assert estimate(DeploymentConfig.from_context({"target": "localstack", "database_host": "h"})) == ()


@pytest.mark.parametrize(("budget", "fits"), [("13", False), ("14", True)])
def test_a_budget_fails_what_costs_more(budget: str, fits: bool) -> None:
    deployment = DeploymentConfig.from_context({"target": "aws", "budget": budget})
    if fits:
        check_budget(deployment)
    else:
        with pytest.raises(BudgetError, match=r"would cost \$14\.00 a month when idle .* budget is \$13\.00"):
            check_budget(deployment)


def test_synth_fails_above_the_budget(tmp_path: Path) -> None:
    with pytest.raises(BudgetError):
        synthesize(tmp_path / "out", target="aws", budget="13")


def test_synth_prints_the_estimate_on_stderr_on_aws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthesize(tmp_path / "out", target="aws", database="aurora", prefix="Shop")
    printed = capsys.readouterr()
    assert "Aurora Serverless v2" in printed.err
    assert printed.out == ""

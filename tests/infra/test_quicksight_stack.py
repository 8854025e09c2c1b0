"""QuickSight's stack: only when asked for, what CloudFormation takes, and a closed way into the VPC."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dashboards.description import load_dashboard
from infra.config import DeploymentConfig
from infra.cost import estimate, total
from infra.errors import ConfigError
from tests.support.synthesis import Synthesis, flat, synthesize

PRINCIPAL = "arn:aws:quicksight:us-east-1:123456789012:user/default/you"
DASHBOARD = load_dashboard()


@pytest.fixture(scope="module")
def quicksight(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    folder = tmp_path_factory.mktemp("quicksight") / "cdk.out"
    return synthesize(folder, target="aws", quicksight_principal=PRINCIPAL)


def _all(synthesis: Synthesis, kind: str) -> list[dict[str, Any]]:
    resources = synthesis.template("QuickSight")["Resources"].values()
    return [each["Properties"] for each in resources if each["Type"] == f"AWS::QuickSight::{kind}"]


def test_cloudformation_takes_the_templates(quicksight: Synthesis) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    changed = [path for path in quicksight.files if "QuickSight" in path.name or "Data" in path.name]
    command: list[str | Path] = [linter, "--regions", "us-east-1", "--ignore-checks", "W3005", "--", *changed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert len(changed) == 2
    assert (done.returncode, done.stdout) == (0, "")


def test_there_is_none_unless_asked_for(on_aws: Synthesis) -> None:
    assert not [path for path in on_aws.files if "QuickSight" in path.name]
    with pytest.raises(ConfigError, match="quicksight_principal does not fit target=localstack: it is on AWS only"):
        DeploymentConfig.from_context({"target": "localstack", "database_host": "h", "quicksight_principal": PRINCIPAL})
    with pytest.raises(ConfigError, match="quicksight_principal=me"):
        DeploymentConfig.from_context({"target": "aws", "quicksight_principal": "me"})


def test_it_shows_the_same_cards_in_the_same_places(quicksight: Synthesis) -> None:
    [dashboard] = _all(quicksight, "Dashboard")
    sheets = dashboard["Definition"]["Sheets"]
    assert [sheet["Name"] for sheet in sheets] == [tab.title for tab in DASHBOARD.tabs]
    for sheet, tab in zip(sheets, DASHBOARD.tabs, strict=True):
        visuals = {one["VisualId"]: one for visual in sheet["Visuals"] for one in visual.values()}
        elements = sheet["Layouts"][0]["Configuration"]["GridLayout"]["Elements"]
        assert list(visuals) == [each["ElementId"] for each in elements] == [card.name for card in tab.cards]
        for element, card in zip(elements, tab.cards, strict=True):
            assert element["ColumnIndex"] * 2 == card.at.column * 3
            assert element["ColumnSpan"] * 2 == card.at.width * 3
            assert ("Actions" in visuals[card.name]) == (card.click == "filter")
        controls = [next(iter(control.values())) for control in sheet["ParameterControls"]]
        assert [control["SourceParameterName"] for control in controls] == list(DASHBOARD.filters)


def test_fields_are_columns_of_the_data_set_and_filters_reach_it(quicksight: Synthesis) -> None:
    sets = {each["DataSetId"].removeprefix("c360-"): each for each in _all(quicksight, "DataSet")}
    columns = {
        name: {column["Name"] for column in each["PhysicalTableMap"]["metric"]["CustomSql"]["Columns"]}
        for name, each in sets.items()
    }
    [dashboard] = _all(quicksight, "Dashboard")
    used = _columns(dashboard["Definition"]["Sheets"])
    assert used
    assert all(column in columns[name] for name, column in used)
    filtered = {name for name, each in sets.items() if "DatasetParameters" in each}
    assert filtered == {card.metric.name for card in DASHBOARD.cards() if card.metric.filters}
    for declared in dashboard["Definition"]["ParameterDeclarations"]:
        [parameter] = declared.values()
        assert {each["DataSetIdentifier"] for each in parameter["MappedDataSetParameters"]} == filtered


def _columns(value: Any) -> set[tuple[str, str]]:
    if isinstance(value, dict) and set(value) == {"DataSetIdentifier", "ColumnName"}:
        return {(value["DataSetIdentifier"], value["ColumnName"])}
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(_columns, inside))


def test_the_bi_role_alone_has_a_password_and_the_way_is_closed(quicksight: Synthesis) -> None:
    [source] = _all(quicksight, "DataSource")
    assert source["SslProperties"] == {"DisableSsl": False}
    assert "BiSecret" in flat(source["Credentials"]["SecretArn"])
    migrator = quicksight.properties("AWS::Lambda::Function", "Migrate")["Environment"]["Variables"]
    assert list(json.loads(flat(migrator["DATABASE_ROLE_SECRETS"]))) == ["c360_bi"]
    ingress = [each for _, each in quicksight.resources("AWS::EC2::SecurityGroupIngress")]
    reaching = [each["Properties"] for each in ingress if "QuickSight" in flat(each["Properties"]["GroupId"])]
    assert [flat(each["SourceSecurityGroupId"]).split("Network")[1][:8] for each in reaching] == ["Database"]
    [endpoint] = [each for _, each in quicksight.resources("AWS::EC2::VPCEndpoint") if _is_interface(each)]
    assert len(endpoint["Properties"]["SubnetIds"]) == 1


def _is_interface(resource: dict[str, Any]) -> bool:
    return bool(resource["Properties"]["VpcEndpointType"] == "Interface")


def test_its_price_is_in_the_estimate() -> None:
    plain, with_quicksight = (
        total(estimate(DeploymentConfig.from_context({"target": "aws"} | more)))
        for more in ({}, {"quicksight_principal": PRINCIPAL})
    )
    assert with_quicksight - plain == pytest.approx(31.70)

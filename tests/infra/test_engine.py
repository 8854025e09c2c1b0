"""Where Spark keeps the vault: the same night but for one job, and an engine that may do its work and no more."""

import ast
import json
from typing import Any

import pytest

from functions.engine import spark_main_file, spark_module_files
from functions.engine.session import SESSION
from infra.config import DeploymentConfig
from tests.support.synthesis import Synthesis, actions, flat, resources, synthesize

EMR_PYTHON = (3, 9)
"""What EMR's releases 7 run Spark's Python with, unless they are told otherwise."""
VCPUS_OF_A_NEW_ACCOUNT = 16
"""Of EMR Serverless, at once (its user guide, "Endpoints and quotas")."""
VAULT_STATES = {"LoadVaultTables"}
JOB_STATES = {"WriteVaultJob", "IsVaultJobNeeded", "LoadVault", "RecordVault"}
MAINTENANCE_STATES = {
    "WriteMaintenance", "IsMaintenanceDue", "MaintainTables", "RecordMaintenance", "AlertMaintenance",
}  # fmt: skip
MOVE_STATES = {
    "IsMove", "WriteMove", "IsMoveWritten", "IsMoveNeeded", "NothingToMove", "MoveVault", "RecordMove",
}  # fmt: skip


@pytest.fixture(scope="module")
def spark_on_aws(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """cdk-nag finds nothing, or this would raise."""
    return synthesize(tmp_path_factory.mktemp("aws") / "cdk.out", target="aws", engine="spark", engine_vcpus="16")


@pytest.fixture(scope="module")
def spark_here(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    folder = tmp_path_factory.mktemp("here") / "cdk.out"
    return synthesize(folder, target="localstack", database_host="127.0.0.1", engine="spark")


@pytest.mark.parametrize(("spark", "other"), [("spark_on_aws", "on_aws"), ("spark_here", "on_localstack")])
def test_the_night_is_the_same_but_for_the_job(spark: str, other: str, request: pytest.FixtureRequest) -> None:
    with_spark = request.getfixturevalue(spark).state_machine()["States"]
    without = request.getfixturevalue(other).state_machine()["States"]
    assert with_spark.keys() - without.keys() == JOB_STATES | MAINTENANCE_STATES | MOVE_STATES
    assert without.keys() - with_spark.keys() == VAULT_STATES
    following = {name: state.get("Next") for name, state in with_spark.items()}
    assert following["CheckStaging"] == "WriteVaultJob"
    assert following["WriteVaultJob"] == "IsVaultJobNeeded"
    assert with_spark["IsVaultJobNeeded"]["Choices"][0]["Next"] == "LoadVault"
    assert with_spark["IsVaultJobNeeded"]["Default"] == "CheckVault"
    assert with_spark["LoadVault"]["ResultPath"] == "$.engine", "what the job is called is asked for after it"
    assert (following["LoadVault"], following["RecordVault"]) == ("RecordVault", "CheckVault")
    assert (following["ListRunning"], with_spark["IsMove"]["Default"]) == ("IsMove", "Plan")
    others = {"CheckStaging", "PublishMarts", "ListRunning"}
    assert {name: state.get("Next") for name, state in without.items() if name not in others | VAULT_STATES} == {
        name: state
        for name, state in following.items()
        if name not in others | JOB_STATES | MAINTENANCE_STATES | MOVE_STATES
    }


@pytest.mark.parametrize("spark", ["spark_on_aws", "spark_here"])
def test_maintenance_comes_after_publication_and_cannot_fail_the_night(
    spark: str, request: pytest.FixtureRequest
) -> None:
    states = request.getfixturevalue(spark).state_machine()["States"]
    assert states["PublishMarts"]["Next"] == "WriteMaintenance"
    assert states["WriteMaintenance"]["Next"] == "IsMaintenanceDue"
    [due] = states["IsMaintenanceDue"]["Choices"]
    assert (due["Variable"], due["Next"]) == ("$.maintenance.is_needed", "MaintainTables")
    assert states["IsMaintenanceDue"]["Default"] == "Finish"
    assert states["MaintainTables"]["Next"] == "RecordMaintenance"
    for name in ("WriteMaintenance", "MaintainTables", "RecordMaintenance"):
        [caught] = states[name]["Catch"]
        assert (caught["ErrorEquals"], caught["Next"]) == (["States.ALL"], "AlertMaintenance")
        assert "ResultPath" in caught, "what Finish is told stays"
    assert states["AlertMaintenance"]["Resource"].endswith(":states:::sns:publish")
    assert states["AlertMaintenance"]["Next"] == states["RecordMaintenance"]["Next"] == "Finish"
    assert states["MaintainTables"]["TimeoutSeconds"] < states["LoadVault"]["TimeoutSeconds"]


@pytest.mark.parametrize("spark", ["spark_on_aws", "spark_here"])
def test_a_move_takes_the_place_of_the_night(spark: str, request: pytest.FixtureRequest) -> None:
    states = request.getfixturevalue(spark).state_machine()["States"]
    [is_move] = states["IsMove"]["Choices"]
    assert is_move == {"Variable": "$.move_to", "IsPresent": True, "Next": "WriteMove"}
    [again] = states["IsMoveWritten"]["Choices"]
    assert (again["Next"], states["IsMoveWritten"]["Default"]) == ("WriteMove", "IsMoveNeeded")
    [needed] = states["IsMoveNeeded"]["Choices"]
    assert (needed["Next"], states["IsMoveNeeded"]["Default"]) == ("MoveVault", "NothingToMove")
    assert states["MoveVault"]["Next"] == "RecordMove"
    assert states["MoveVault"]["Resource"] == states["LoadVault"]["Resource"]
    assert states["RecordMove"]["End"]
    assert states["NothingToMove"]["End"]
    assert not any("Catch" in states[name] for name in ("WriteMove", "MoveVault", "RecordMove")), "it fails loudly"


def test_the_job_carries_all_that_spark_runs(spark_on_aws: Synthesis) -> None:
    found = {file.name for file in spark_on_aws.folder.glob("asset.*/spark_*.py")}
    assert found == {file.name for file in spark_module_files()} >= {"spark_job.py", "spark_move.py"}


def test_on_aws_the_state_waits_for_a_job_of_the_application(spark_on_aws: Synthesis) -> None:
    state = spark_on_aws.state_machine()["States"]["LoadVault"]
    assert state["Resource"].endswith(":states:::emr-serverless:startJobRun.sync")
    submit = state["Parameters"]["JobDriver"]["SparkSubmit"]
    assert submit["EntryPointArguments.$"] == "States.Array($.vault.job)"
    assert flat(submit["SparkSubmitParameters"]).startswith("--py-files s3://")
    [defaults] = state["Parameters"]["ConfigurationOverrides"]["ApplicationConfiguration"]
    assert defaults["Classification"] == "spark-defaults", "where no quoting changes a value with spaces"
    settings = defaults["Properties"]
    assert settings.items() >= SESSION.items()
    assert settings["spark.sql.catalog.lake.catalog-impl"] == "org.apache.iceberg.aws.glue.GlueCatalog"
    assert settings["spark.sql.catalogImplementation"] == "in-memory", "Glue's database `default` is not the job's"
    assert settings["spark.c360.namespace"] == "c360_vault"
    workers = 1 + int(settings["spark.dynamicAllocation.maxExecutors"])
    assert settings["spark.driver.cores"] == settings["spark.executor.cores"] == "4"
    assert workers * 4 == 16, "of the quota: a job that asks for more than the account's fails"
    assert int(settings["spark.dynamicAllocation.initialExecutors"]) < workers
    assert state["TimeoutSeconds"] == 60 * state["Parameters"]["ExecutionTimeoutMinutes"] < 6 * 3600
    application = spark_on_aws.properties("AWS::EMRServerless::Application")
    assert application["MaximumCapacity"] == {"Cpu": "16 vCPU", "Memory": "128 GB", "Disk": "800 GB"}
    assert "InitialCapacity" not in application, "idle it costs nothing"
    assert "NetworkConfiguration" not in application, "it has no way to PostgreSQL, and needs none"


def test_sparks_role_has_the_warehouse_and_the_vaults_tables(spark_on_aws: Synthesis) -> None:
    allowed: dict[str, set[str]] = {}
    for name, statement in spark_on_aws.statements():
        if name.startswith("EngineJobRole"):
            for resource in resources(statement):
                allowed.setdefault(resource, set()).update(actions(statement))
    glue = {"glue:CreateTable", "glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"}
    assert [found for resource, found in allowed.items() if ":glue:" in resource] == [glue] * 3
    names = {resource.split(":")[-1] for resource in allowed if ":glue:" in resource}
    assert names == {"catalog", "database/c360_vault", "table/c360_vault/*"}
    of_files = {resource: found for resource, found in allowed.items() if ":glue:" not in resource}
    assert sorted(map(sorted, of_files.values())) == sorted(
        [
            ["s3:ListBucket"],
            ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            ["s3:GetObject"],
            ["s3:GetObject"],
        ]
    )
    assert not any("Landing" in resource for resource in allowed)
    role = spark_on_aws.properties("AWS::IAM::Role", "EngineJobRole")
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "emr-serverless.amazonaws.com"}
    assert trust["Condition"].keys() == {"StringEquals", "ArnLike"}, "for this application only"
    sources = [flat(source) for source in trust["Condition"]["ArnLike"]["aws:SourceArn"]]
    assert all("EngineApplication" in source for source in sources)
    assert [source.endswith("/jobruns/*") for source in sources] == [False, True], "EMR names the application"


def test_by_default_a_job_asks_for_no_more_than_a_new_account_may_use() -> None:
    deployment = DeploymentConfig.from_context({"target": "aws", "engine": "spark"})
    assert deployment.engine_vcpus == VCPUS_OF_A_NEW_ACCOUNT


def test_what_emr_runs_needs_no_newer_python_than_its_own() -> None:
    for file in (spark_main_file(), *spark_module_files()):
        ast.parse(file.read_text(encoding="utf-8"), feature_version=EMR_PYTHON)


def test_views_for_athena_name_a_serde(spark_on_aws: Synthesis) -> None:
    views = [
        table["Properties"]["TableInput"]
        for _, table in spark_on_aws.resources("AWS::Glue::Table")
        if table["Properties"]["TableInput"]["TableType"] == "VIRTUAL_VIEW"
    ]
    assert views
    for view in views:
        assert view["StorageDescriptor"]["SerdeInfo"] == {"Name": "-", "SerializationLibrary": "-"}
        assert view["Parameters"]["presto_view"] == "true"


def test_the_state_machine_starts_this_application_and_passes_this_role(spark_on_aws: Synthesis) -> None:
    found = {
        action: (resources(statement), statement.get("Condition"))
        for name, statement in spark_on_aws.statements()
        for action in actions(statement)
        if name.startswith("NightlyLoad")
    }
    assert "EngineApplication" in found["emr-serverless:StartJobRun"][0][0]
    assert found["emr-serverless:CancelJobRun"][0][0].endswith("/jobruns/*")
    passed, condition = found["iam:PassRole"]
    assert len(passed) == 1
    assert "EngineJobRole" in passed[0]
    assert condition == {"StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}}
    assert found["events:PutRule"][0][0].endswith("rule/StepFunctionsGetEventsForEMRServerlessJobRule")


def test_here_the_state_asks_a_worker_and_notices_when_it_is_gone(spark_here: Synthesis) -> None:
    state = spark_here.state_machine()["States"]["LoadVault"]
    [(activity, _)] = spark_here.resources("AWS::StepFunctions::Activity")
    assert activity in json.dumps(state["Resource"]) or activity in str(state["Resource"])
    assert state["Parameters"] == {"run_id.$": "$$.Execution.Name", "job.$": "$.vault.job"}
    assert state["HeartbeatSeconds"] < state["TimeoutSeconds"]
    assert "EngineActivityArn" in spark_here.outputs("Pipeline")


def test_tables_outlive_the_stack_and_jobs_are_forgotten(spark_on_aws: Synthesis) -> None:
    buckets: dict[str, Any] = dict(spark_on_aws.resources("AWS::S3::Bucket"))
    [warehouse] = [bucket for name, bucket in buckets.items() if name.startswith("Warehouse")]
    assert warehouse["DeletionPolicy"] == "Retain"
    rules = {rule["Id"]: rule for rule in warehouse["Properties"]["LifecycleConfiguration"]["Rules"]}
    assert {rule.get("Prefix") for rule in rules.values() if "ExpirationInDays" in rule} == {"jobs/", "logs/"}

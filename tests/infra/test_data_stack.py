"""What must be kept is kept, private and encrypted; who may reach it is decided here."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.load.schema.migrate import ROLES
from functions.model.reading import load_model
from tests.support.synthesis import Synthesis, flat, synthesize


def test_the_landing_bucket_keeps_versions_and_announces_them(either: Synthesis) -> None:
    bucket = either.properties("AWS::S3::Bucket", "Landing")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["ForgetReplacedVersions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert rules["AbortStaleUploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    manifests = rules.pop("ForgetManifests")
    assert (manifests["Prefix"], manifests["ExpirationInDays"]) == ("manifests/", 15)
    assert not any("ExpirationInDays" in rule for rule in rules.values()), "a current file is never deleted"


def test_the_landing_bucket_is_private_encrypted_and_tls_only(either: Synthesis) -> None:
    bucket = either.properties("AWS::S3::Bucket", "Landing")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    policy = either.properties("AWS::S3::BucketPolicy", "Landing")["PolicyDocument"]["Statement"]
    denied = [statement["Condition"] for statement in policy if statement["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in denied
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in denied


def test_data_outlives_its_stack_on_aws_only(on_aws: Synthesis, on_localstack: Synthesis) -> None:
    kept = [*on_aws.resources("AWS::S3::Bucket"), *on_aws.resources("AWS::RDS::DBInstance")]
    assert len(kept) == 4  # the landing zone, the lake, the logs of access to them, and the database
    for _, resource in kept:
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    [(_, bucket)] = on_localstack.resources("AWS::S3::Bucket")
    assert bucket["DeletionPolicy"] == "Delete"


def test_rds_is_small_current_encrypted_backed_up_and_unreachable_from_outside(on_aws: Synthesis) -> None:
    database = on_aws.properties("AWS::RDS::DBInstance")
    expected = {
        "Engine": "postgres",
        "EngineVersion": "18",
        "DBInstanceClass": "db.t4g.micro",
        "StorageType": "gp3",
        "AllocatedStorage": "20",
        "MaxAllocatedStorage": 100,
        "StorageEncrypted": True,
        "EnableIAMDatabaseAuthentication": True,
        "PubliclyAccessible": False,
        "DeletionProtection": True,
        "BackupRetentionPeriod": 7,
        "DBName": "c360",
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
    }
    assert {name: database[name] for name in expected} == expected
    assert on_aws.properties("AWS::RDS::DBParameterGroup")["Parameters"] == {
        "rds.force_ssl": "1",
        "max_locks_per_transaction": "256",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }


def test_no_route_leads_out_of_the_network(on_aws: Synthesis) -> None:
    types = {resource["Type"] for _, resource in on_aws.resources()}
    assert not types & {"AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::Route", "AWS::EC2::EIP"}
    endpoints = [resource["Properties"] for _, resource in on_aws.resources("AWS::EC2::VPCEndpoint")]
    services = {flat(endpoint["ServiceName"]).rpartition(".")[2]: endpoint for endpoint in endpoints}
    assert services.keys() == {"s3"}
    assert services["s3"]["VpcEndpointType"] == "Gateway"
    own, answers = services["s3"]["PolicyDocument"]["Statement"]
    assert own["Condition"] == {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}}
    assert answers["Action"] == "s3:PutObject"
    assert flat(answers["Resource"]).endswith(":s3:::cloudformation-custom-resource-response-*/*")


def test_only_our_functions_reach_the_database(on_aws: Synthesis) -> None:
    groups = dict(on_aws.resources("AWS::EC2::SecurityGroup"))
    assert not any(group["Properties"].get("SecurityGroupIngress") for group in groups.values())
    ingress = {
        (_short(rule["Properties"]["SourceSecurityGroupId"]), _short(rule["Properties"]["GroupId"])): (
            rule["Properties"]["FromPort"],
            rule["Properties"]["ToPort"],
        )
        for _, rule in on_aws.resources("AWS::EC2::SecurityGroupIngress")
    }
    assert ingress == {("DatabaseClients", "Database"): (5432, 5432)}
    assert members(on_aws, "DatabaseClients") == {"Migrate", "Load", "Export", "RecordStatus", "Api"}
    assert members(on_aws, "S3Readers") == {"Migrate", "Load", "Export"}


def members(synthesis: Synthesis, group: str) -> set[str]:
    """The functions in a security group."""
    return {
        name[:-8]  # without the hash
        for name, function in synthesis.resources("AWS::Lambda::Function")
        if any(group in flat(member) for member in function["Properties"]["VpcConfig"]["SecurityGroupIds"])
    }


def _short(group: object) -> str:
    name = flat(group).removeprefix("DatabaseNetwork")
    return next(known for known in ("DatabaseClients", "Database") if name.startswith(known))


def test_on_localstack_each_role_gets_a_generated_password(on_localstack: Synthesis) -> None:
    templates = [
        secret["Properties"]["GenerateSecretString"]
        for _, secret in on_localstack.resources("AWS::SecretsManager::Secret")
    ]
    assert {template["SecretStringTemplate"] for template in templates} == {
        f'{{"username": "{role}"}}' for role in ROLES
    }
    assert {template["GenerateStringKey"] for template in templates} == {"password"}


def test_the_administrator_has_no_password_on_aws(on_aws: Synthesis, tmp_path: Path) -> None:
    aurora = synthesize(tmp_path / "out", target="aws", database="aurora")
    for synthesis, kind in ((on_aws, "AWS::RDS::DBInstance"), (aurora, "AWS::RDS::DBCluster")):
        database = synthesis.properties(kind)
        assert (database["MasterUsername"], database["MasterUserAuthenticationType"]) == ("c360_admin", "iam-db-auth")
        assert "MasterUserPassword" not in database
        assert not list(synthesis.resources("AWS::SecretsManager::Secret"))


def test_copies_of_the_audit_trail_are_locked_and_only_added_to(on_aws: Synthesis, tmp_path: Path) -> None:
    assert not any("Audit" in name for name, _ in on_aws.resources("AWS::S3::Bucket"))
    locked = synthesize(tmp_path / "out", target="aws", audit_bucket="enabled")
    bucket = locked.properties("AWS::S3::Bucket", "Audit")
    assert bucket["ObjectLockEnabled"] is True
    days = load_model().retention.audit.other
    assert bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {"Mode": "COMPLIANCE", "Days": days}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    allowed = [
        (name, statement["Action"])
        for name, statement in locked.statements()
        if any("/audit/*" in flat(each) for each in as_list(statement["Resource"]))
    ]
    assert [(name[:8], action) for name, action in allowed] == [("LoadRole", "s3:PutObject")]
    variables = locked.properties("AWS::Lambda::Function", "Load")["Environment"]["Variables"]
    assert "Audit" in flat(variables["AUDIT_BUCKET"])


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_outputs_are_the_contracts(on_aws: Synthesis, on_localstack: Synthesis) -> None:
    common = {"LandingBucketName", "DatabaseHost", "DatabasePort", "DatabaseName"}
    assert set(on_aws.outputs("Data")) == common
    assert set(on_localstack.outputs("Data")) == {*common, "BiSecretArn"}


@pytest.mark.parametrize("database", ["rds", "aurora"])
def test_zones_are_chosen_by_id(tmp_path: Path, on_aws: Synthesis, database: str) -> None:
    chosen = synthesize(tmp_path / "out", target="aws", database=database, zones="euc1-az1,euc1-az3")
    subnets = [each["Properties"] for _, each in chosen.resources("AWS::EC2::Subnet")]
    assert [each["AvailabilityZoneId"] for each in subnets] == ["euc1-az1", "euc1-az3"]
    assert not any("AvailabilityZone" in each for each in subnets), "CloudFormation takes one of the two"
    assert all("AvailabilityZone" in each["Properties"] for _, each in on_aws.resources("AWS::EC2::Subnet"))


def test_aurora_pauses_and_signs_in_as_rds_does(tmp_path: Path) -> None:
    aurora = synthesize(tmp_path / "out", target="aws", database="aurora")
    cluster = aurora.properties("AWS::RDS::DBCluster")
    scaling = cluster["ServerlessV2ScalingConfiguration"]
    assert (scaling["MinCapacity"], scaling["SecondsUntilAutoPause"]) == (0, 600)
    assert cluster["EnableIAMDatabaseAuthentication"]
    assert cluster["StorageEncrypted"]
    assert cluster["DeletionProtection"]
    assert aurora.properties("AWS::RDS::DBInstance")["PubliclyAccessible"] is False


def test_every_bucket_on_aws_logs_who_asks_it_for_what(tmp_path: Path) -> None:
    whole = synthesize(tmp_path / "out", target="aws", stream="provisioned", audit_bucket="enabled")
    buckets = {
        name: resource["Properties"]
        for file in whole.files
        for name, resource in json.loads(file.read_text())["Resources"].items()
        if resource["Type"] == "AWS::S3::Bucket"
    }
    logged = {name: each["LoggingConfiguration"] for name, each in buckets.items() if "LoggingConfiguration" in each}
    assert {name[:5] for name in buckets.keys() - logged.keys()} == {"Acces"}, "all but the bucket of the logs"
    assert {each["LogFilePrefix"] for each in logged.values()} == {"landing/", "lake/", "audit/", "given-up/"}
    assert all("AccessLogs" in flat(each["DestinationBucketName"]) for each in logged.values())
    [policy] = [
        each["PolicyDocument"]["Statement"]
        for _, each in ((name, found["Properties"]) for name, found in whole.resources("AWS::S3::BucketPolicy"))
        if "AccessLogs" in flat(each["Bucket"])
    ]
    [allowed] = [each for each in policy if each["Effect"] == "Allow"]
    assert (allowed["Action"], allowed["Principal"]) == ("s3:PutObject", {"Service": "logging.s3.amazonaws.com"})
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    [rule] = buckets[next(name for name in buckets if name.startswith("Access"))]["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == load_model().retention.logs.personal


def test_files_get_cheaper_with_age_and_stay_readable_at_once(on_aws: Synthesis, tmp_path: Path) -> None:
    rules = on_aws.properties("AWS::S3::Bucket", "Landing")["LifecycleConfiguration"]["Rules"]
    [tiers] = [rule for rule in rules if "Transitions" in rule]
    assert tiers["Transitions"] == [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 30}]
    assert tiers["NoncurrentVersionTransitions"] == [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 30}]
    locked = synthesize(tmp_path / "out", target="aws", audit_bucket="enabled")
    [rule] = locked.properties("AWS::S3::Bucket", "Audit")["LifecycleConfiguration"]["Rules"]
    assert rule["Transitions"] == [{"StorageClass": "GLACIER_IR", "TransitionInDays": 30}]


def test_what_the_database_does_is_seen_for_a_week_free_of_charge(on_aws: Synthesis) -> None:
    database = on_aws.properties("AWS::RDS::DBInstance")
    assert (database["EnablePerformanceInsights"], database["PerformanceInsightsRetentionPeriod"]) == (True, 7)
    assert "EnableCloudwatchLogsExports" not in database, "paid by the GB: by context"


@pytest.mark.parametrize(("kind", "resource"), [("rds", "AWS::RDS::DBInstance"), ("aurora", "AWS::RDS::DBCluster")])
def test_the_servers_log_goes_to_cloudwatch_when_asked_for_and_is_forgotten(
    kind: str, resource: str, tmp_path: Path
) -> None:
    exporting = synthesize(tmp_path / "out", target="aws", database=kind, database_logs="enabled")
    assert exporting.properties(resource)["EnableCloudwatchLogsExports"] == ["postgresql"]
    retention = exporting.properties("Custom::LogRetention")
    assert retention["RetentionInDays"] == load_model().retention.logs.personal
    assert flat(retention["LogGroupName"]).endswith("/postgresql")

"""The state machine is the contract's: same states, same payloads, three tries on transient errors only."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.common.errors import TRANSIENT_ERROR_NAMES
from functions.load.plan.plan import ABANDONED_AFTER, FILES_LIMIT
from tests.support.synthesis import Synthesis, flat, synthesize

LAMBDA_ERRORS = {
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "Lambda.Unknown",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "States.Timeout",
}


@pytest.fixture
def machine(either: Synthesis) -> dict[str, Any]:
    return either.state_machine()


def tasks(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All Task states, nested ones too."""
    found = {}
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            found[name] = state
        for inner in [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]:
            found |= tasks(inner)
    return found


def test_states_follow_each_other_as_designed(machine: dict[str, Any]) -> None:
    states = machine["States"]
    assert machine["StartAt"] == "ListRunning"
    lake = {
        "EnforceRetention": "ExportLake", "ExportLake": "IsLakeExported", "IsLakeExported": None, "PointCatalog": None,
    }  # fmt: skip
    assert {name: state.get("Next") for name, state in states.items()} == {
        "ListRunning": "Plan",
        "Plan": "AnyFiles",
        "AnyFiles": None,
        "SplitFiles": "ListParts",
        "SplitManyFiles": "ListParts",
        "ListParts": "AreManyParts",
        "AreManyParts": None,
        "StageFiles": "CheckStaging",
        "StageManyFiles": "CheckStaging",
        "CheckStaging": "LoadVaultTables",
        "LoadVaultTables": "CheckVault",
        "CheckVault": "IsVaultChecked",
        "IsVaultChecked": None,
        "PublishMarts": "Finish",
        "Finish": "AnyHeldLists",
        "AnyHeldLists": None,
        "AlertHeldLists": "EnforceRetention",
        **(lake if "ExportLake" in states else {"EnforceRetention": None}),
    }
    assert states["PointCatalog" if "ExportLake" in states else "EnforceRetention"]["End"] is True
    many_files = {"Variable": "$.plan.are_many_files", "BooleanEquals": True, "Next": "StageManyFiles"}
    # a night without files still asks whether they are late, and publishes what depends on the day
    assert states["AnyFiles"]["Choices"] == [
        {
            "And": [
                {"Variable": "$.plan.file_count", "NumericEquals": 0},
                {"Variable": "$.plan.are_retractions_due", "BooleanEquals": False},
            ],
            "Next": "CheckVault",
        },
        {"Variable": "$.plan.are_many_large", "BooleanEquals": True, "Next": "SplitManyFiles"},
        {"Variable": "$.plan.large_count", "NumericGreaterThan": 0, "Next": "SplitFiles"},
        many_files,
    ]
    assert states["AreManyParts"]["Choices"] == [many_files]
    assert states["AreManyParts"]["Default"] == "StageFiles"
    assert states["AnyFiles"]["Default"] == "StageFiles"
    assert states["AnyHeldLists"]["Choices"] == [
        {"Variable": "$.held", "NumericGreaterThan": 0, "Next": "AlertHeldLists"}
    ]
    assert states["AnyHeldLists"]["Default"] == "EnforceRetention"
    assert states["AlertHeldLists"]["Resource"].endswith(":states:::sns:publish")


def test_files_are_staged_in_parallel_and_results_stay_out_of_the_state(machine: dict[str, Any]) -> None:
    split, stage = machine["States"]["SplitFiles"], machine["States"]["StageFiles"]
    item = "$$.Map.Item.Value"
    assert split["ItemsPath"] == "$.plan.large"
    assert split["ItemSelector"] == {"object_id.$": f"{item}.object_id"}
    assert stage["ItemsPath"] == "$.plan.files"
    assert stage["ItemSelector"] == {"object_id.$": f"{item}.object_id", "part.$": f"{item}.part"}
    for state, inner in ((split, ["SplitFile"]), (stage, ["StageFile", "GiveFileUp"])):
        assert state["MaxConcurrency"] in (2, 8)
        assert state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "INLINE"
        assert [*state["ItemProcessor"]["States"]] == inner
    branches = machine["States"]["LoadVaultTables"]["Branches"]
    assert [branch["StartAt"] for branch in branches] == ["LoadHubs", "LoadLinks", "LoadSatellites"]
    for name, state in (machine["States"] | tasks(machine)).items():
        if state["Type"] in {"Task", "Map", "Parallel"}:
            # the report of Finish is the execution's output
            places = {
                "ListRunning": "$.running",
                "Plan": "$.plan",
                "ListParts": "$.plan",
                "Finish": "$",
                "ExportLake": "$.lake",
            }
            places["EnforceRetention"] = "$.retention"
            places |= {"LoadHubs": "$.hubs", "LoadLinks": "$.links", "LoadSatellites": "$.satellites"}
            places["CheckVault"] = "$.checks"
            expected = places.get(name)
            assert state.get("ResultPath", "$") == expected, name


def test_very_many_files_are_children_of_a_distributed_map_with_the_run_they_are_of(machine: dict[str, Any]) -> None:
    item = "$$.Map.Item.Value"
    run = {"run_id.$": "$$.Execution.Name"}
    for name, manifest, selected, inner in (
        ("SplitManyFiles", "large", {"object_id.$": f"{item}.object_id"}, {"SplitOneOfMany", "OneOfManySplit"}),
        (
            *("StageManyFiles", "files", {"object_id.$": f"{item}.object_id", "part.$": f"{item}.part"}),
            {"StageOneOfMany", "GiveOneOfManyUp", "OneOfManyStaged"},
        ),
    ):
        state = machine["States"][name]
        processor = state["ItemProcessor"]
        assert processor["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "not 5 minutes"
        assert processor["States"].keys() == inner
        assert state["ItemReader"]["Parameters"] == {
            "Bucket.$": "$.plan.bucket",
            "Key.$": f"$.plan.{manifest}_manifest",
        }
        assert state["ItemReader"]["ReaderConfig"] == {"InputType": "JSON"}
        assert state["ItemSelector"].items() >= (selected | run).items()
        assert "ItemsPath" not in state
        assert not [field for field in state if field.startswith("ToleratedFailure")]
        # what all children answer is one payload of Step Functions, of 256 KiB at most
        [last] = [each for each in processor["States"].values() if each.get("End")]
        assert last == {"Type": "Pass", "Result": 1, "End": True}
        answers = json.dumps([last["Result"]] * FILES_LIMIT, separators=(",", ":"))
        assert len(answers) * 5 / 4 < 256 << 10, "with a quarter more, for the parts of large files"


def test_the_state_machine_reads_manifests_and_nothing_else_of_the_landing_bucket(on_aws: Synthesis) -> None:
    allowed = [
        flat(statement["Resource"])
        for name, policy in on_aws.resources("AWS::IAM::Policy")
        if name.startswith("NightlyLoad")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "s3:GetObject" in statement["Action"]
    ]
    assert len(allowed) == 1
    assert allowed[0].endswith("/manifests/*")


def test_each_task_calls_its_function_with_its_payload(machine: dict[str, Any]) -> None:
    export = {"run_id.$": "$$.Execution.Name"}
    # only AWS can redrive an execution, and only its context says how often that was done
    on_aws = "PointTable" in tasks(machine)
    run = export | ({"redrive_count.$": "$$.Execution.RedriveCount"} if on_aws else {})
    child = {name: f"$.{name.removesuffix('.$')}" for name in run}
    expected: dict[str, tuple[str, dict[str, str]]] = {
        "Plan": (
            "Load",
            {
                "step": "plan",
                **run,
                "execution_arn.$": "$$.Execution.Id",
                "started_at.$": "$$.Execution.StartTime",
                "input.$": "$$.Execution.Input",
                "running.$": "$.running.arns",
            },
        ),
        "SplitFile": ("Load", {"step": "split", **run, "object_id.$": "$.object_id"}),
        "ListParts": ("Load", {"step": "parts", **run}),
        "StageFile": ("Load", {"step": "stage", **run, "object_id.$": "$.object_id", "part.$": "$.part"}),
        "GiveFileUp": ("Load", {"step": "give_up", **run, "object_id.$": "$.object_id"}),
        "SplitOneOfMany": ("Load", {"step": "split", **child, "object_id.$": "$.object_id"}),
        "StageOneOfMany": ("Load", {"step": "stage", **child, "object_id.$": "$.object_id", "part.$": "$.part"}),
        "GiveOneOfManyUp": ("Load", {"step": "give_up", **child, "object_id.$": "$.object_id"}),
        "CheckStaging": ("Load", {"step": "check_staging", **run}),
        "LoadHubs": ("Load", {"step": "hubs", **run}),
        "LoadLinks": ("Load", {"step": "links", **run}),
        "LoadSatellites": ("Load", {"step": "satellites", **run}),
        "CheckVault": ("Load", {"step": "check_vault", **run}),
        "PublishMarts": ("Load", {"step": "publish", **run}),
        "Finish": ("Load", {"step": "finish", **run}),
        "EnforceRetention": ("Load", {"step": "retention", **run}),
    }
    found = tasks(machine)
    if "ExportLake" in found:
        expected["ExportLake"] = ("Export", export)
    assert found.keys() - {"ListRunning", "PointTable", "AlertHeldLists"} == expected.keys()
    for name, (function, payload) in expected.items():
        assert found[name]["Parameters"]["FunctionName"].startswith(function)
        assert found[name]["Parameters"]["Payload"] == payload
    handed_over = {
        f"{field}.$": f"$.Payload.{field}"
        for field in ("bucket", "file_count", "are_many_files", "files", "files_manifest")
    }
    assert found["Plan"]["ResultSelector"] == {
        "run_id.$": "$.Payload.run_id",
        "are_retractions_due.$": "$.Payload.are_retractions_due",
        "large_count.$": "$.Payload.large_count",
        "are_many_large.$": "$.Payload.are_many_large",
        "large.$": "$.Payload.large",
        "large_manifest.$": "$.Payload.large_manifest",
        **handed_over,
    }
    assert found["ListParts"]["ResultSelector"] == handed_over


def test_each_task_is_tried_again_three_times_on_transient_errors_only(machine: dict[str, Any]) -> None:
    for name, task in tasks(machine).items():
        assert ("Catch" in task) == (name in {"StageFile", "StageOneOfMany"})
        *throttled, retry = task["Retry"]
        assert len(throttled) == (name not in {"ListRunning", "AlertHeldLists", "PointTable"}), "retries not ours"
        named = set(retry.pop("ErrorEquals"))
        if name == "PointTable":
            assert all(error.startswith("Glue.") for error in named - {"States.Timeout"})
        elif name == "AlertHeldLists":
            assert named == {"Sns.SnsException", "States.TaskFailed", "States.Timeout"}
        elif name == "ListRunning":
            assert named == {"Sfn.SfnException", "States.TaskFailed", "States.Timeout"}
        else:
            assert named == set(TRANSIENT_ERROR_NAMES) | LAMBDA_ERRORS
        assert retry.pop("IntervalSeconds") in {1, 2}
        assert retry == {
            "MaxAttempts": 3,
            "BackoffRate": 2,
            "MaxDelaySeconds": 30,
            "JitterStrategy": "FULL",
        }


def test_throttling_is_waited_out_for_minutes(machine: dict[str, Any]) -> None:
    """Functions have a reserved concurrency, which another run or the account may be using."""
    for task in tasks(machine).values():
        if "Payload" not in task["Parameters"]:
            continue
        retry = task["Retry"][0]
        assert retry["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
        delays = [
            min(retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt, retry["MaxDelaySeconds"])
            for attempt in range(retry["MaxAttempts"])
        ]
        assert sum(delays) / 2 > 180, "with full jitter, half of it on average"


def test_no_task_waits_for_an_answer_that_is_lost(machine: dict[str, Any]) -> None:
    for name, task in tasks(machine).items():
        limit = task["TimeoutSeconds"]
        assert limit == (960 if "Payload" in task["Parameters"] else 60), name
        assert any("States.Timeout" in retry["ErrorEquals"] for retry in task["Retry"]), name


def test_the_first_retry_comes_after_two_seconds_on_aws_and_one_locally(
    on_aws: Synthesis, on_localstack: Synthesis
) -> None:
    for synthesis, seconds in ((on_aws, 2), (on_localstack, 1)):
        intervals = {task["Retry"][0]["IntervalSeconds"] for task in tasks(synthesis.state_machine()).values()}
        assert intervals == {seconds}


@pytest.mark.parametrize(("stage", "give_up"), [("StageFile", "GiveFileUp"), ("StageOneOfMany", "GiveOneOfManyUp")])
def test_a_file_that_ends_its_function_at_every_try_is_given_up_alone(
    machine: dict[str, Any], stage: str, give_up: str
) -> None:
    [caught] = tasks(machine)[stage]["Catch"]
    assert set(caught.pop("ErrorEquals")) == {"Runtime.ExitError", "Sandbox.Timedout", "Lambda.Unknown"}
    assert caught == {"ResultPath": None, "Next": give_up}


def test_step_functions_is_asked_which_runs_are_alive(either: Synthesis) -> None:
    machine = either.state_machine()
    listing = machine["States"]["ListRunning"]
    assert listing["Resource"].endswith(":states:::aws-sdk:sfn:listExecutions")
    assert listing["Parameters"] == {"StateMachineArn.$": "$$.StateMachine.Id", "StatusFilter": "RUNNING"}
    allowed = [
        statement
        for _, policy in either.resources("AWS::IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] == "states:ListExecutions"
    ]
    assert len(allowed) == 1
    assert "NightlyLoad" in flat(allowed[0]["Resource"])


@pytest.mark.parametrize("what", ["Hubs", "Links", "Satellites"])
def test_a_step_of_the_vault_is_called_until_nothing_is_left_to_do(machine: dict[str, Any], what: str) -> None:
    branches = {branch["StartAt"]: branch["States"] for branch in machine["States"]["LoadVaultTables"]["Branches"]}
    states = branches[f"Load{what}"]
    assert states[f"Load{what}"]["ResultSelector"] == {"is_done.$": "$.Payload.is_done"}
    assert states[f"Load{what}"]["Next"] == f"Are{what}Loaded"
    again = {"Variable": f"$.{what.lower()}.is_done", "BooleanEquals": False, "Next": f"Load{what}"}
    assert states[f"Are{what}Loaded"]["Choices"] == [again]
    assert states[f"Are{what}Loaded"]["Default"] == f"{what}Loaded"


def test_the_vault_is_checked_and_the_lake_exported_in_as_many_calls_as_it_takes(machine: dict[str, Any]) -> None:
    states = machine["States"]
    loops = [("CheckVault", "IsVaultChecked", "$.checks", "PublishMarts")]
    if "ExportLake" in states:
        loops.append(("ExportLake", "IsLakeExported", "$.lake", "PointCatalog"))
    for step, asked, path, then in loops:
        assert states[step]["ResultSelector"]["is_done.$"] == "$.Payload.is_done"
        again = {"Variable": f"{path}.is_done", "BooleanEquals": False, "Next": step}
        assert (states[asked]["Choices"], states[asked]["Default"]) == ([again], then)


def test_a_run_may_take_six_hours_and_no_other_takes_its_files_before(machine: dict[str, Any]) -> None:
    assert machine["TimeoutSeconds"] == 6 * 3600
    assert ABANDONED_AFTER == "7 hours"


def test_on_aws_transitions_are_logged_without_data_and_traced(on_aws: Synthesis) -> None:
    properties = on_aws.properties("AWS::StepFunctions::StateMachine")
    assert properties["TracingConfiguration"] == {"Enabled": True}
    assert properties["LoggingConfiguration"]["Level"] == "ALL"
    assert not properties["LoggingConfiguration"].get("IncludeExecutionData")
    [destination] = properties["LoggingConfiguration"]["Destinations"]
    assert flat(destination["CloudWatchLogsLogGroup"]["LogGroupArn"]).startswith("NightlyLoadLog")


def test_on_aws_glue_is_told_where_the_export_is(on_aws: Synthesis) -> None:
    point = tasks(on_aws.state_machine())["PointTable"]
    assert point["Resource"].endswith(":states:::aws-sdk:glue:updateTable")
    assert point["Parameters"] == {"DatabaseName": "c360_lake", "TableInput.$": "$"}
    assert on_aws.state_machine()["States"]["PointCatalog"]["ItemsPath"] == "$.lake.tables"


def test_on_localstack_the_lake_is_off_and_can_be_switched_on(on_localstack: Synthesis, tmp_path: Path) -> None:
    assert "ExportLake" not in on_localstack.state_machine()["States"]
    switched = synthesize(tmp_path / "out", target="localstack", database_host="127.0.0.1", lake="enabled")
    states = switched.state_machine()["States"]
    assert states["EnforceRetention"]["Next"] == "ExportLake"
    assert states["IsLakeExported"]["Default"] == "LakeExported"
    assert states["LakeExported"]["Type"] == "Succeed"
    assert not {kind["Type"] for _, kind in switched.resources()} & {"AWS::Glue::Table", "AWS::Glue::Database"}

"""Findings of cdk-nag that are accepted: each is really found, has a reason, and a test where the reason can be one."""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from infra.constructs import nag
from tests.support.synthesis import REPOSITORY, synthesize
from tests.support.template_snapshots import EXISTING, GUARDED

EVERYTHING = {
    "audit_bucket": "enabled",
    "customer_key": "enabled",
    "database_access": "tunnel",
    "database_logs": "enabled",
    "encrypt_alerts": "enabled",
    "jwt_audience": "shop",
    "jwt_issuer": "https://issuer.example",
    "quicksight_principal": "arn:aws:quicksight:us-east-1:123456789012:user/default/someone",
    "stream": "provisioned",
    "stream_pollers": "1",
}
_OF_OUR_SERVER = ("database_access", "database_logs", "quicksight_principal")
VARIANTS: dict[str, dict[str, str]] = {
    "rds": EVERYTHING | {"database": "rds"},
    "aurora": EVERYTHING | {"database": "aurora"},
    "guarded": EVERYTHING | GUARDED | {"engine": "spark"},
    "existing": {name: value for name, value in EVERYTHING.items() if name not in _OF_OUR_SERVER} | EXISTING,
}
"""What is accepted differs by these: the kind of database, what stands before the API, and what was there before."""

_CALLS = "tests/infra/test_iam_calls.py::test_nothing_is_allowed_that_no_call_needs"
REVIEWED = {
    "APIG2": "tests/api/test_problems.py",
    "APIG3": "tests/infra/test_api_guards.py::test_a_web_acl_stands_before_the_stage_where_asked_for",
    "APIG4": "tests/infra/test_api_stack.py::test_on_aws_every_path_asks_for_a_key_but_the_public_ones",
    "COG4": "tests/infra/test_config.py::test_on_aws_nobody_calls_the_api_without_a_key_or_a_token",
    "EC28": "tests/infra/test_access.py::test_the_host_forwards_and_does_nothing_else",
    "EC29": "tests/infra/test_access.py::test_the_host_forwards_and_does_nothing_else",
    "IAM4": "policies of AWS's own for API Gateway's account role, SSM's agent and CDK's own function",
    "IAM5": _CALLS,
    "L1": "tests/infra/test_localstack_target.py::test_functions_are_python_and_ours",
    "RDS3": "a second zone is a matter of cost",
    "RDS11": "tests/infra/test_data_stack.py::test_only_our_functions_reach_the_database",
    "S1": "public keys",
    "SMG4": "QuickSight is told a new password by a deployment",
    "SQS3": "tests/infra/test_nag.py::test_the_queue_without_a_dead_letter_queue_is_one",
    "VPC7": "tests/infra/test_data_stack.py::test_no_route_leads_out_of_the_network",
}
"""Rule -> the test that holds what its reason says, or why there is none."""


@dataclass(frozen=True)
class Accepted:
    """A finding that is accepted on a construct and what is below it, in one variant."""

    variant: str
    path: str
    rule: str
    reason: str


class Withheld:
    """Stands in for CDK's Validations: writes down what is accepted, and accepts nothing."""

    def __init__(self, variant: str, path: str, accepted: list[Accepted]) -> None:
        self._variant = variant
        self._path = path
        self._accepted = accepted

    def acknowledge(self, *given: Any) -> None:
        for each in given:
            self._accepted.append(
                Accepted(self._variant, self._path, each.id.removeprefix("AwsSolutions::AwsSolutions-"), each.reason)
            )


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Accepted], set[tuple[str, str, str]]]:
    """What each variant accepts, and what cdk-nag finds when nothing is accepted: variant, rule, where."""
    accepted: list[Accepted] = []
    found: set[tuple[str, str, str]] = set()
    for variant, context in VARIANTS.items():
        folder = tmp_path_factory.mktemp(variant) / "cdk.out"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nag, "Validations", _withholding(variant, accepted))
            with pytest.raises(RuntimeError):
                synthesize(folder, target="aws", **context)
        report = json.loads((folder / "validation-report.json").read_text())
        for plugin in report["pluginReports"]:
            for violation in plugin["violations"]:
                rule = violation["ruleName"].removeprefix("AwsSolutions-")
                found |= {(variant, rule, each["constructPath"]) for each in violation["violatingConstructs"]}
    return accepted, found


def _withholding(variant: str, accepted: list[Accepted]) -> Any:
    class Validations:
        @staticmethod
        def of(construct: Any) -> Withheld:
            return Withheld(variant, construct.node.path, accepted)

    return Validations


def test_what_is_accepted_is_found_where_it_is_accepted(
    looked: tuple[list[Accepted], set[tuple[str, str, str]]],
) -> None:
    accepted, found = looked
    stale = {
        f"{each.rule} on {each.path} of {each.variant}"
        for each in accepted
        if not any(
            (variant, rule) == (each.variant, each.rule) and f"{path}/".startswith(f"{each.path}/")
            for variant, rule, path in found
        )
    }
    assert not stale, "nothing breaks these rules there any more: remove them"


def test_each_reason_is_a_sentence_and_its_rule_was_reviewed(
    looked: tuple[list[Accepted], set[tuple[str, str, str]]],
) -> None:
    for each in looked[0]:
        assert len(each.reason.split()) >= 4, each
        assert each.reason.endswith("."), each
    assert {re.sub(r"\[.*", "", each.rule) for each in looked[0]} == REVIEWED.keys()


@pytest.mark.parametrize("rule", sorted(REVIEWED))
def test_the_test_that_holds_a_reason_exists(rule: str) -> None:
    if REVIEWED[rule].startswith("tests/"):
        path, _, name = REVIEWED[rule].partition("::")
        assert f"def {name or 'test_'}" in (REPOSITORY / path).read_text("utf-8")


def test_the_queue_without_a_dead_letter_queue_is_one(on_aws: Any) -> None:
    queues = {name for name, _ in on_aws.resources("AWS::SQS::Queue")}
    used = json.dumps(
        [target for _, rule in on_aws.resources("AWS::Events::Rule") for target in rule["Properties"]["Targets"]]
    )
    assert queues
    assert all(name in used for name in queues)

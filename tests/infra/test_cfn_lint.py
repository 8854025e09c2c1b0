"""CloudFormation would take the templates: AWS's own linter finds nothing."""

import subprocess
import sys
from pathlib import Path

from tests.support.synthesis import Synthesis


def test_cfn_lint_finds_nothing(on_aws: Synthesis, on_localstack: Synthesis) -> None:
    done = subprocess.run(
        [
            Path(sys.executable).with_name("cfn-lint"),
            "--regions", "us-east-1",
            "--ignore-checks", "W3005",  # a DependsOn that a reference implies: CDK writes many
            "--", *on_aws.files, *on_localstack.files,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (len(on_aws.files), len(on_localstack.files)) == (4, 4)  # operations there, the stream's here
    assert (done.returncode, done.stdout) == (0, "")

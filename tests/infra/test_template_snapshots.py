"""Templates change only where a review has seen it, and CloudFormation would take them in three regions."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.synthesis import Synthesis, synthesize
from tests.support.template_snapshots import CONTEXTS, FOLDER, snapshots, text

REGIONS = ("us-east-1", "eu-central-1", "ap-southeast-2")


@pytest.fixture(scope="module")
def syntheses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Synthesis]:
    """Every context, synthesized."""
    folder = tmp_path_factory.mktemp("contexts")
    return {name: synthesize(folder / name, **context) for name, context in CONTEXTS.items()}


def test_templates_of_every_context_are_the_committed_ones(syntheses: dict[str, Synthesis]) -> None:
    now = snapshots({name: text(synthesis) for name, synthesis in syntheses.items()})
    committed = {file.stem: file.read_text("utf-8") for file in FOLDER.glob("*.txt")}
    changed = sorted(name for name in now.keys() | committed.keys() if now.get(name) != committed.get(name))
    hint = "read the change: `.venv/bin/python -m tests.support.template_snapshots && git diff tests/infra/snapshots`"
    assert not changed, f"{changed} changed; {hint}"


def test_cfn_lint_finds_nothing_in_any_context_in_three_regions(syntheses: dict[str, Synthesis]) -> None:
    different = {file.read_text(): file for synthesis in syntheses.values() for file in synthesis.files}
    done = subprocess.run(
        [
            Path(sys.executable).with_name("cfn-lint"),
            "--regions", *REGIONS,
            "--ignore-checks", "W3005",  # a DependsOn that a reference implies: CDK writes many
            "--", *different.values(),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert len(different) > 20
    assert (done.returncode, done.stdout) == (0, "")

"""`make check` finds keys and tokens in the repository."""

import subprocess
from pathlib import Path

import pytest

from local.paths import REPOSITORY

# Put together here, so that this file holds none.
SECRETS = {
    "an access key": "AKIA" + "Q" * 16,
    "a private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "a token of a code host": "ghp_" + "a1" * 18,
    "a web token": ".".join(["ey" + "J" + "a" * 12, "ey" + "J" + "b" * 12, "c" * 43]),
    "a secret key": "AWS_SECRET_ACCESS_KEY=".lower() + "aB3/" * 10,
}


def _scan(folder: Path) -> subprocess.CompletedProcess[str]:
    script = REPOSITORY / ".ci" / "secrets.sh"
    return subprocess.run(["sh", script], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize("is_tracked", [True, False], ids=["tracked", "new"])
def test_a_secret_is_found_and_not_repeated(tmp_path: Path, secret: str, is_tracked: bool) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "notes.md").write_text(f"the key is {secret}\n")
    if is_tracked:
        subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    done = _scan(tmp_path)
    assert done.returncode == 1
    assert "notes.md" in done.stderr
    assert secret not in done.stdout + done.stderr


def test_the_repository_holds_none_and_make_check_looks() -> None:
    assert _scan(REPOSITORY).stderr == ""
    plan = subprocess.run(["make", "-n", "check"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert ".ci/secrets.sh" in plan.stdout

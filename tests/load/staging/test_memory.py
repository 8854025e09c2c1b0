"""Staging takes no more memory for a larger file, whichever way it is read."""

import subprocess
import sys

import pytest

from tests.support.night import role_url

SMALL, LARGE = 40_000, 240_000
ALLOWED_BYTES = 4 << 20


def peak(url: str, rows: int, kind: str) -> int:
    finished = subprocess.run(
        [sys.executable, "-m", "tests.support.generated_file", url, str(rows), kind],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(finished.stdout.splitlines()[-1])


@pytest.mark.parametrize("kind", ["good", "bad", "parts"])
def test_memory_stays_the_same_for_six_times_the_rows(migrated_database: str, kind: str) -> None:
    """From 3 to 17 MB of transactions."""
    url = role_url(migrated_database, "c360_loader")
    assert peak(url, LARGE, kind) < peak(url, SMALL, kind) + ALLOWED_BYTES

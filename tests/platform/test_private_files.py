"""Nothing that the platform keeps can be read by another user of the machine, and none of it lies elsewhere."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from local import processes
from tests.support.platform import Platform

PARTS = ("postgres", "localstack", "api", "broker", "event_source")


@pytest.fixture(scope="module")
def used(platform: Platform, loaded: dict[str, Any]) -> Platform:
    """The platform after a load, with an object in S3 that is too large to be kept in memory only."""
    assert loaded["status"] == "SUCCEEDED"
    large = b"customer_id\n" * 100_000
    platform.client("s3").put_object(Bucket=platform.outputs.landing_bucket, Key="elsewhere/large.csv", Body=large)
    return platform


def _family(platform: Platform) -> Iterator[psutil.Process]:
    for part in PARTS:
        process = processes.find(platform.stack.process(part))
        assert process is not None, part
        yield process
        yield from process.children(recursive=True)


def _open_files(process: psutil.Process) -> Iterator[Path]:
    """What a process has open, files without a name too, which psutil leaves out."""
    for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:  # closed meanwhile
            continue
        if target.startswith("/"):
            yield Path(target.removesuffix(" (deleted)"))


def test_no_part_keeps_a_file_outside_the_state_folder(used: Platform) -> None:
    own = used.stack.paths.state
    elsewhere = Path(tempfile.gettempdir()).resolve()
    opened = [path for process in _family(used) for path in _open_files(process)]
    assert any(path.is_relative_to(own / "localstack") for path in opened), "the large object is open"
    assert [path for path in opened if path.is_relative_to(elsewhere) and not path.is_relative_to(own)] == []


def test_the_buckets_folder_is_in_the_state_folder_and_nowhere_else(used: Platform) -> None:
    bucket = used.outputs.landing_bucket  # its name is this platform's only
    folders = [Path(folder) / bucket for folder, names, _ in os.walk(tempfile.gettempdir()) if bucket in names]
    assert len(folders) == 1
    assert folders[0].is_relative_to(used.stack.paths.localstack)


def test_only_its_owner_reads_the_state_folder(used: Platform) -> None:
    own = used.stack.paths.state
    assert stat.S_IMODE(own.stat().st_mode) == (0o711 if os.geteuid() == 0 else 0o700)
    too_open = [entry.name for entry in own.iterdir() if entry.lstat().st_mode & 0o077]
    assert too_open == []


def test_the_processes_create_files_for_their_owner_only(used: Platform) -> None:
    for process in _family(used):
        text = Path(f"/proc/{process.pid}/status").read_text()
        [mask] = [line.split()[1] for line in text.splitlines() if line.startswith("Umask:")]
        assert int(mask, 8) & 0o077 == 0o077, process.name()

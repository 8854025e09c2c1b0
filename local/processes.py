"""Start detached processes, recognise them again later, and stop them; never a process that is not ours."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil


class _Detached(subprocess.Popen[bytes]):
    """A child that is meant to outlive us, so leaving it running is nothing to warn about."""

    def __del__(self) -> None:
        pass


# Children of this very process must be reaped by it; a process started by an earlier command is reaped by init.
_children: dict[int, _Detached] = {}


@dataclass(frozen=True)
class ProcessIdentity:
    """A process id with the moment it started, so that a reused id is never mistaken for our process."""

    pid: int
    started: str


def start_of(pid: int) -> str | None:
    """When the process `pid` started, as text that survives clock changes; None when there is no such process."""
    with contextlib.suppress(OSError, IndexError):
        # Field 22 of /proc/PID/stat (proc(5)): clock ticks since boot; the boot id makes it unique over reboots.
        stat = Path(f"/proc/{pid}/stat").read_text()
        ticks = stat.rpartition(")")[2].split()[19]
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}:{ticks}"
    with contextlib.suppress(psutil.Error):
        return f"{psutil.Process(pid).create_time():.2f}"
    return None


def identify(pid: int) -> ProcessIdentity | None:
    """The identity of a running process, None when it does not run."""
    started = start_of(pid)
    return ProcessIdentity(pid, started) if started is not None else None


def find(identity: ProcessIdentity | None) -> psutil.Process | None:
    """The running process behind an identity; None when it has ended or its id now belongs to another process."""
    if identity is None:
        return None
    if child := _children.get(identity.pid):
        child.poll()
    if start_of(identity.pid) != identity.started:
        return None
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(identity.pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def wait_until(ready: Callable[[], bool], identity: ProcessIdentity, timeout: float, *, every: float = 0.1) -> bool:
    """Whether `ready` becomes true within `timeout` seconds, while the process runs; asked `every` so many seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and find(identity):
        if ready():
            return True
        time.sleep(every)
    return False


def wait_for_server(answers: Callable[[], bool], identity: ProcessIdentity, port: int, timeout: float) -> bool:
    """Whether the process, and not another program that took the port meanwhile, listens on it and then answers.

    Each may take `timeout` seconds.
    """
    return (
        wait_until(lambda: not port_is_free(port), identity, timeout)
        and _listens(identity, port)
        and wait_until(answers, identity, timeout)
    )


def _listens(identity: ProcessIdentity, port: int) -> bool:
    with contextlib.suppress(psutil.Error):
        process = find(identity)
        sockets = process.net_connections("tcp") if process else []
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in sockets)
    return False


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    user: tuple[int, int] | None = None,
    note: Path | None = None,
) -> ProcessIdentity:
    """Start a command in a session (and process group) of its own, its output appended to `log`.

    It outlives the caller; what it writes is readable by its own account only. `environment` is its whole
    environment; `user` is a (uid, gid) to run as; `note` is a
    file to keep its identity in, for `noted` in a later command.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = _Detached(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
            user=user[0] if user else None,
            group=user[1] if user else None,
            extra_groups=[] if user else None,
            umask=0o077,
        )
    _children[child.pid] = child
    identity = ProcessIdentity(child.pid, start_of(child.pid) or "ended")
    if note is not None:
        write_note(note, identity)
    return identity


def write_note(note: Path, identity: ProcessIdentity) -> None:
    """Keep an identity in a file."""
    note.write_text(json.dumps(asdict(identity)))


def noted(note: Path) -> ProcessIdentity | None:
    """The process that `note` names, if it still runs."""
    try:
        identity = ProcessIdentity(**json.loads(note.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return identity if find(identity) else None


def stop(identity: ProcessIdentity | None, *, grace: float = 10, how: signal.Signals = signal.SIGTERM) -> None:
    """End a process and everything it started: ask it with `how`, then after `grace` seconds kill what is left."""
    process = find(identity)
    if process is None:
        return
    family = [process]
    with contextlib.suppress(psutil.Error):
        family += process.children(recursive=True)
    with contextlib.suppress(psutil.Error):
        process.send_signal(how)
    _wait(family[:1], grace)
    with contextlib.suppress(psutil.Error):
        family += [one for one in process.children(recursive=True) if one not in family]
    for member in family:
        with contextlib.suppress(psutil.Error):  # psutil compares start times: a reused id is left alone
            member.kill()
    _wait(family, 5)


def stop_all_in(folder: Path) -> None:
    """Kill every process of this user whose working folder lies in `folder`."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and Path(process.cwd()).is_relative_to(folder):
                process.kill()
                _wait([process], 5)


def _wait(family: list[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for member in family:
        if child := _children.get(member.pid):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
                del _children[member.pid]
            continue
        with contextlib.suppress(psutil.Error):
            member.wait(max(0.0, deadline - time.monotonic()))


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(preferred: int = 0) -> int:
    """`preferred` if it is free, else the next free one above it; 0 leaves the choice to the system."""
    if preferred:
        for port in range(preferred, min(preferred + 200, 65536)):
            if port_is_free(port):
                return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log file; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16_384))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""

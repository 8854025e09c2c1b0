"""The process group of one execution environment: AWS's Python runtime on a function's code."""

import contextlib
import math
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

# The interpreter whose packages are what AWS's managed runtime brings: awslambdaric and boto3.
PYTHON = Path(os.environ["C360_LAMBDA_PYTHON"])
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


class RuntimeProcess:
    """Started at once. `on_exit` is called with how it ended (`exit status 1`, `signal: killed`), from a thread."""

    def __init__(
        self,
        handler: str,
        *,
        code: Path,
        environment: dict[str, str],
        log: Path,
        on_exit: Callable[[str], None],
    ) -> None:
        read_end, self._pipe = os.pipe()
        self._on_exit = on_exit
        self._exited = threading.Event()
        self._group = threading.Lock()  # locked where the group's number must be that of our process still
        try:
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    [PYTHON, _BOOTSTRAP, str(read_end), handler],
                    cwd=code,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(read_end,),
                    start_new_session=True,
                )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(read_end)
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return not self._exited.is_set()

    @property
    def how_it_ended(self) -> str:
        code = self._process.returncode
        if code is not None and code < 0:
            name = "killed" if -code == signal.SIGKILL else signal.Signals(-code).name
            return f"signal: {name}"
        return f"exit status {code}"

    def kill(self) -> None:
        """End the process and everything it started, now."""
        with self._group:
            if self.is_alive:
                self._kill_group()
        self._exited.wait()

    def peak_memory_mb(self) -> int:
        """The most memory it ever used; 0 when it has ended or the system does not report it."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return math.ceil(int(line.split()[1]) / 1024)
        return 0

    def _watch(self) -> None:
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)  # it keeps its number until it is reaped
        else:
            self._process.wait()
        with self._group:
            self._kill_group()  # what the handler started must not outlive it
            self._process.wait()
            self._exited.set()
        os.close(self._pipe)
        self._on_exit(self.how_it_ended)

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(self._process.pid, signal.SIGKILL)

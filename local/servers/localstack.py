"""LocalStack on this machine without Docker: its genuine runtime in host mode, on loopback only, with our plugins."""

import hashlib
import json
import os
import shutil
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local import processes
from local.deployment.access_key import SHARED, AccessKey
from local.errors import LocalError, PortTakenError
from local.loopback import allowed_hosts
from local.paths import LAMBDA_RUNTIME_PYTHON, LOCALSTACK_PYTHON, REPOSITORY

_PLUGINS = REPOSITORY / "local" / "localstack_plugins"

# All that LocalStack gets from our own environment: nothing of the developer's reaches it or its functions.
_PASSED_ON = ("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "DEBUG")


class LocalStack:
    """One runtime with its files in `folder`, on 127.0.0.1:`port`. It keeps nothing over a restart.

    With another `key` than SHARED, only who signs with that key, or as a role, gets in.
    `C360_LAMBDA_PYTHON` in its environment names the interpreter of Lambda functions.
    """

    def __init__(self, folder: Path, port: int, log: Path | None = None, key: AccessKey = SHARED) -> None:
        self.folder = folder.resolve()
        self.port = port
        self.key = key
        self.log = log or self.folder / "localstack.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def process(self) -> processes.ProcessIdentity | None:
        """Its process, which an earlier command may have started; None when it does not run."""
        return processes.noted(self.folder / "process.json")

    def takes_its_key(self) -> bool:
        """Whether it was started for `key`, and not for another."""
        try:
            return (self.folder / "access-key-id").read_text() == self.key.id
        except OSError:
            return False

    def start(self, timeout: float = 90) -> None:
        """Start and return when it answers. Raises `PortTakenError`, or `LocalError` with the end of its log."""
        for python in (LOCALSTACK_PYTHON, LAMBDA_RUNTIME_PYTHON):
            if not python.exists():
                raise LocalError(f"{python} is missing; run `make install` first.")
        if not processes.port_is_free(self.port):
            raise PortTakenError(f"Port {self.port} is taken by another program; LocalStack needs a free one.")
        shutil.rmtree(self.folder, ignore_errors=True)
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True)
        (self.folder / "access-key-id").write_text(self.key.id)
        process = processes.start(
            [LOCALSTACK_PYTHON, "-m", "localstack.runtime.main"],
            log=self.log,
            environment=self._environment(temporary),
            folder=self.folder,
            note=self.folder / "process.json",
        )
        if processes.wait_for_server(lambda: self.health() is not None, process, self.port, timeout):
            return
        self.stop()
        if not processes.port_is_free(self.port):
            raise PortTakenError(f"Port {self.port} is taken by another program; LocalStack needs a free one.")
        raise LocalError(f"LocalStack did not start; see {self.log}.", processes.tail(self.log))

    def health(self) -> dict[str, Any] | None:
        """What `/_localstack/health` answers; None when nothing, or something else, answers on the port."""
        try:
            with urllib.request.urlopen(f"{self.url}/_localstack/health", timeout=5) as answer:  # noqa: S310
                health: dict[str, Any] = json.load(answer)
        except (OSError, ValueError, urllib.error.URLError):
            return None
        return health if "services" in health else None

    def stop(self) -> None:
        """Stop it and its functions' processes, which end with it by themselves."""
        processes.stop(self.process(), grace=2)  # its own shutdown takes 6 s to save what it does not keep
        processes.stop_all_in(self.folder)

    @contextmanager
    def running(self) -> Iterator["LocalStack"]:
        """Start, hand over, stop."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def _environment(self, temporary: Path) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            **self.key.environment,
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join([str(_PLUGINS), str(_plugin_metadata(self.folder))]),
            "PYTHONUNBUFFERED": "1",
            "C360_LAMBDA_PYTHON": str(LAMBDA_RUNTIME_PYTHON),
            # The default server, twisted, would listen on every interface: code execution from the network.
            "GATEWAY_SERVER": "hypercorn",
            "GATEWAY_LISTEN": f"127.0.0.1:{self.port}",
            "LOCALSTACK_HOST": f"127.0.0.1:{self.port}",
            "FILESYSTEM_ROOT": str(self.folder / "filesystem"),
            "DISABLE_EVENTS": "1",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DNS_ADDRESS": "0",
            "PROVIDER_OVERRIDE_S3": "private",
            "RUNTIME_COMPONENTS": "c360",
            "C360_ALLOWED_HOSTS": ",".join(allowed_hosts()),
            "LAMBDA_RUNTIME_EXECUTOR": "local",
            "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": "30",
        }


def _plugin_metadata(folder: Path) -> Path:
    """Entry points of the plugins as installed packages have them, in a folder for PYTHONPATH.

    The folder's name holds their hash: LocalStack's loader caches entry points by path.
    """
    project = tomllib.loads((_PLUGINS / "pyproject.toml").read_text())["project"]
    entry_points = "\n".join(
        f"[{group}]\n" + "\n".join(f"{name} = {target}" for name, target in points.items())
        for group, points in project["entry-points"].items()
    )
    place = folder / f"plugins-{hashlib.sha256(entry_points.encode()).hexdigest()[:12]}"
    metadata = place / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    (metadata / "entry_points.txt").write_text(entry_points + "\n")
    return place

"""Apache Superset on this machine: installed, set up and served from one folder, for who asks for it."""

import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from local import processes
from local.errors import LocalError
from local.paths import REPOSITORY

LOCK_FILE = REPOSITORY / "requirements" / "superset.txt"
PYTHON = "3.11"
"""Superset's pinned pandas has no wheels for newer ones than 3.12."""

_UV = REPOSITORY / ".venv" / "bin" / "uv"
_PASSED_ON = (
    "PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_CONFIG_FILE",
)  # fmt: skip
_USER = "admin"
_CONFIG = """
# Written by `c360 superset up`. What people make is kept in superset.db.
SQLALCHEMY_DATABASE_URI = {database!r}
SECRET_KEY = {key!r}
SESSION_COOKIE_SAMESITE = "Lax"
FEATURE_FLAGS = {{"ENABLE_TEMPLATE_PROCESSING": True}}  # the filters of our data sets


def DB_CONNECTION_MUTATOR(uri, params, username, security_manager, source):
    from sqlalchemy.engine import make_url

    return (make_url({connection!r}) if uri.host == {host!r} else uri), params
"""

# `superset import-dashboards` leaves charts and data sets that it finds as they are; this command overwrites them
_IMPORT = """
import sys
from zipfile import ZipFile
from superset.app import create_app

with create_app().app_context():
    from flask import g
    from superset import security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.commands.importers.v1.utils import get_contents_from_bundle

    g.user = security_manager.find_user(sys.argv[2])
    with ZipFile(sys.argv[1]) as bundle:
        ImportAssetsCommand(get_contents_from_bundle(bundle)).run()
"""

type Progress = Callable[[str], None]


class Superset:
    """One Superset with its files in `folder`, on 127.0.0.1:`port`. `environment`: where its packages are."""

    def __init__(self, folder: Path, port: int, log: Path, environment: Path | None = None) -> None:
        self.folder = folder
        self.port = port
        self.log = log
        self.environment = environment or folder / "environment"
        self._note = folder / "process.json"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def user(self) -> tuple[str, str]:
        """Name and password of its administrator; made when first asked for."""
        return _USER, self._kept_secret("password")

    def is_installed(self) -> bool:
        """Whether its packages are those of the lock file."""
        stamp = self.environment / ".installed"
        return stamp.is_file() and stamp.read_text() == LOCK_FILE.read_text()

    def up(self, bundle: bytes, connections: tuple[str, str], progress: Progress) -> None:
        """Install what is missing, import the bundle over what an earlier one brought, and serve. Raises LocalError.

        `connections`: the host that stands for the database in the bundle, and the database's URL with its password.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        if not self.is_installed():
            progress("installing Superset (650 MB)")
            self._run(_UV, "venv", "--quiet", "--clear", "--python", PYTHON, self.environment)
            python = self.environment / "bin" / "python"
            self._run(_UV, "pip", "sync", "--quiet", "--python", python, "--require-hashes", LOCK_FILE)
            (self.environment / ".installed").write_text(LOCK_FILE.read_text())
        self.down()
        host, connection = connections
        config = self.folder / "superset_config.py"
        config.touch(0o600)
        database = f"sqlite:///{self.folder / 'superset.db'}"
        config.write_text(
            _CONFIG.format(database=database, key=self._kept_secret("key"), host=host, connection=connection)
        )
        progress("migrating its own database")
        self._superset("db", "upgrade")
        progress("setting up its administrator and roles")
        name, password = self.user
        who = ("--username", name, "--firstname", "Customer", "--lastname", "360", "--email", "admin@localhost")
        self._superset("fab", "create-admin", *who, "--password", password)
        self._superset("init")
        progress("importing the dashboard")
        packed = self.folder / "customer_360.zip"
        packed.write_bytes(bundle)
        self._run(self.environment / "bin" / "python", "-c", _IMPORT, packed, name)
        progress("starting the server")
        self._serve()

    def down(self) -> None:
        """Stop the server if it runs; what people made stays."""
        processes.stop(processes.noted(self._note), grace=10)
        self._note.unlink(missing_ok=True)

    def _serve(self, timeout: float = 180) -> None:
        gunicorn = self.environment / "bin" / "gunicorn"
        process = processes.start(
            [
                *(
                    gunicorn,
                    "--bind",
                    f"127.0.0.1:{self.port}",
                    "--workers",
                    "1",
                    "--worker-class",
                    "gthread",
                    "--no-control-socket",
                ),
                *("--threads", "8", "--timeout", "120", "superset.app:create_app()"),
            ],
            log=self.log,
            environment=self._environment(),
            folder=self.folder,
            note=self._note,
        )
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and processes.find(process):
            if self._answers():
                return
            time.sleep(0.5)
        self.down()
        raise LocalError(f"Superset did not start; see {self.log}.", processes.tail(self.log))

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:  # noqa: S310 (our own URL)
                return bool(answer.status == 200)
        except (urllib.error.HTTPError, OSError):
            return False

    def _superset(self, *arguments: str | Path) -> None:
        self._run(self.environment / "bin" / "superset", *arguments)

    def _run(self, *command: str | Path) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            done = subprocess.run(
                [str(part) for part in command],
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            step = " ".join([Path(command[0]).name, str(command[1])])
            raise LocalError(f"{step} failed; see {self.log}.", processes.tail(self.log))

    def _environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {
            "FLASK_APP": "superset.app:create_app()",
            "SUPERSET_CONFIG_PATH": str(self.folder / "superset_config.py"),
            "SUPERSET_HOME": str(self.folder),
        }

    def _kept_secret(self, name: str) -> str:
        file = self.folder / name
        if not file.exists():
            file.touch(0o600)
            file.write_text(secrets.token_urlsafe(32))
        return file.read_text()

"""The API served by uvicorn on this machine: the same app as behind API Gateway, signed in as the same role."""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

from local import processes
from local.deployment.access_key import SHARED, AccessKey
from local.deployment.aws import client
from local.errors import LocalError, PortTakenError
from local.loopback import allowed_hosts
from local.paths import REPOSITORY

_PASSED_ON = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR")


class ApiServer:
    """One server on 127.0.0.1:`port`; `note` keeps which process it is."""

    def __init__(self, note: Path, port: int, log: Path) -> None:
        self.note = note
        self.port = port
        self.log = log

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def process(self) -> processes.ProcessIdentity | None:
        """Its process; None when it does not run."""
        return processes.noted(self.note)

    def health(self) -> int | None:
        """The HTTP status of /healthz; None when nothing answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:  # noqa: S310 (our own URL)
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return None

    def start(self, database_url: str, api_key: str = "", timeout: float = 30) -> None:
        """Start and return when it answers; with `api_key`, only to callers who send it.

        Raises `PortTakenError`, or `LocalError` with the end of its log.
        """
        process = processes.start(
            [sys.executable, "-m", "local.servers.api_process", "functions.api.app:app", str(self.port)],
            log=self.log,
            environment={
                **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                "DATABASE_URL": database_url,
                "ALLOWED_HOSTS": ",".join(allowed_hosts()),
                "API_REQUIRED_KEY": api_key,
                "AUDIT_SPOOL": str(self.note.parent / "audit-spool"),
                "POWERTOOLS_SERVICE_NAME": "api",
            },
            folder=REPOSITORY,
            note=self.note,
        )
        if processes.wait_for_server(lambda: self.health() is not None, process, self.port, timeout):
            return
        self.stop()
        if not processes.port_is_free(self.port):
            raise PortTakenError(f"Port {self.port} is taken by another program; the API server needs a free one.")
        raise LocalError(f"The local API server did not start; see {self.log}.", processes.tail(self.log))

    def stop(self) -> None:
        """Stop it if it runs."""
        processes.stop(self.process(), grace=10)
        self.note.unlink(missing_ok=True)


def role_database_url(endpoint: str, function_name: str, key: AccessKey = SHARED) -> str:
    """The URL with which a deployed function signs in to the database: its own role, its own secret."""
    configuration = client("lambda", endpoint, key).get_function_configuration(FunctionName=function_name)
    variables = configuration["Environment"]["Variables"]
    answer = client("secretsmanager", endpoint, key).get_secret_value(SecretId=variables["DATABASE_SECRET_ARN"])
    secret = json.loads(answer["SecretString"])
    authorities = variables.get("DATABASE_SSL_ROOT_CERT", "")
    return (
        f"postgresql://{quote(variables['DATABASE_USER'], safe='')}:{quote(secret['password'], safe='')}"
        f"@{variables['DATABASE_HOST']}:{variables['DATABASE_PORT']}/{variables['DATABASE_NAME']}"
        f"?sslmode={variables['DATABASE_SSL_MODE']}"
        + (f"&sslrootcert={quote(authorities, safe='')}" if authorities else "")
    )

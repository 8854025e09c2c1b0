"""LocalStack's Lambda executor without Docker: a function's environment is a process group of this machine.

The process runs AWS's own Python runtime (awslambdaric) on the function's unzipped code, so errors, logs and the
handler's environment are those of Lambda. Memory limits, layers and images are not supported.
"""

import base64
import contextlib
import math
import os
import shutil
import tempfile
import threading
import time
import zipfile
from pathlib import Path

from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from c360_localstack.process import PYTHON, RuntimeProcess
from c360_localstack.runtime_api import Invocation, RuntimeApi, deadline_ms

# All that a function's process gets from LocalStack's own environment.
_PASSED_ON = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
# What LocalStack adds for its Docker images and Lambda does not have.
_LEFT_OUT = (
    "EDGE_PORT",
    "LOCALSTACK_FUNCTION_ACCOUNT_ID",
    "LOCALSTACK_MAX_PAYLOAD_SIZE",
    "LOCALSTACK_RUNTIME_ENDPOINT",
    "LOCALSTACK_RUNTIME_ID",
)

# The log file is emptied when it is longer than this.
_LOG_LIMIT_BYTES = 8 * 1024**2

_code_locks: dict[str, threading.Lock] = {}


class LocalExecutor(RuntimeExecutor):
    """One environment: started at the first invocation, reused, and started again when its process has died."""

    def __init__(self, executor_id, function_version):
        super().__init__(id=executor_id, function_version=function_version)
        self._folder = Path(tempfile.mkdtemp(prefix="lambda-"))
        self._log = self._folder / "log"
        self._variables: dict[str, object] = {}
        self._api: RuntimeApi | None = None
        self._process: RuntimeProcess | None = None
        self._init_seconds: float | None = None
        self._log_read = 0  # bytes of the log that earlier invocations have reported
        self._stopped = False
        self._life = threading.Lock()  # locked while the process is replaced, and while it is ended for good

    def start(self, env_vars):
        self._variables = env_vars
        self._spawn()
        self._api.initialised.wait()  # LocalStack limits it, and stops this environment when it takes longer
        self._init_seconds = time.perf_counter() - self._spawned
        if self._stopped:
            raise self._was_stopped()

    def invoke(self, payload):
        timeout = self.function_version.config.timeout
        limit = time.perf_counter() + timeout
        if not self._process.is_alive and self._init_seconds is None:
            self._spawn()
            # As on AWS, an initialisation that an earlier failure made necessary counts as the invocation's own time.
            self._api.initialised.wait(timeout)
            self._init_seconds = time.perf_counter() - self._spawned
        init_seconds, self._init_seconds = self._init_seconds, None
        invocation = Invocation(
            request_id=payload["invoke-id"],
            function_arn=payload["invoked-function-arn"],
            trace_id=payload["trace-id"],
            payload=payload["payload"].encode(),
            deadline_ms=deadline_ms(max(0.0, limit - time.perf_counter())),
        )
        started = time.perf_counter()
        timed_out = False
        if self._api.init_error is not None:
            invocation.finish(self._api.init_error, is_error=True)
            self._process.kill()
        else:
            self._api.submit(invocation)
            if not self._process.is_alive:  # it died before it could be watched for this invocation
                self._api.process_ended(self._process.how_it_ended)
            if not invocation.done.wait(max(0.0, limit - time.perf_counter())):
                timed_out = invocation.fail("Sandbox.Timedout", f"Task timed out after {timeout:.2f} seconds")
            if timed_out or invocation.was_refused:
                self._process.kill()
        seconds = time.perf_counter() - started
        logs = self._logs_of(invocation.request_id, seconds, init_seconds, timed_out=timed_out)
        return InvocationResult(
            request_id=invocation.request_id,
            payload=invocation.result,
            is_error=invocation.is_error,
            logs=logs,
        )

    def stop(self):
        with self._life:
            self._stopped = True
            if self._process is not None:
                self._process.kill()
            if self._api is not None:
                self._api.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def get_address(self):
        return "127.0.0.1"

    def get_endpoint_from_executor(self):
        return "127.0.0.1"

    def get_runtime_endpoint(self):
        return "http://127.0.0.1"  # for the agent in LocalStack's images; here every process has its own

    def get_logs(self):
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @classmethod
    def prepare_version(cls, function_version):
        runtime = function_version.config.runtime
        if not (runtime or "").startswith("python"):
            raise LambdaRuntimeException(f"The local executor runs Python functions only, not {runtime}.")
        if function_version.config.layers:
            raise LambdaRuntimeException("The local executor does not support layers: bundle them into the code.")
        _unzip_once(function_version.config.code)

    @classmethod
    def cleanup_version(cls, function_version):
        """The code stays: other functions may share it. LocalStack's start clears it all."""

    def _spawn(self):
        """Start the process; `_api.initialised` is set when it asks for work, has failed to start, or has ended."""
        with self._life:
            if self._stopped:
                raise self._was_stopped()
            if self._api is not None:
                self._api.close()
            self._api = RuntimeApi()
            self._spawned = time.perf_counter()
            try:
                self._process = RuntimeProcess(
                    self.function_version.config.handler,
                    code=_code_folder(self.function_version.config.code),
                    environment=self._environment(),
                    log=self._log,
                    on_exit=self._api.process_ended,
                )
            except BaseException:
                self._api.close()
                raise

    def _was_stopped(self):
        return LambdaRuntimeException(f"Execution environment {self.id} was stopped.")

    def _environment(self):
        code = str(_code_folder(self.function_version.config.code))
        variables = {name: str(value) for name, value in self._variables.items() if name not in _LEFT_OUT}
        own_path = variables.get("PYTHONPATH")
        return {
            "PATH": f"{PYTHON.parent}{os.pathsep}{os.defpath}",
            "LANG": "C.UTF-8",
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            **variables,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self.function_version.config.runtime}",
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "LAMBDA_TASK_ROOT": code,
            "LAMBDA_RUNTIME_DIR": str(PYTHON.parent),
            "PYTHONPATH": code + (os.pathsep + own_path if own_path else ""),
            "PYTHONNOUSERSITE": "1",
            # No ~/.aws, ~/.pgpass or temporary file of this machine's user, as in a fresh Lambda.
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
        }

    def _new_logs(self):
        """What was written since the last invocation, by threads that outlived it too."""
        with contextlib.suppress(FileNotFoundError):  # stopped meanwhile
            with self._log.open("rb") as log:
                log.seek(self._log_read)
                output = log.read()
            self._log_read += len(output)
            if self._log_read > _LOG_LIMIT_BYTES:
                os.truncate(self._log, 0)
                self._log_read = 0
            return output.decode(errors="replace")
        return ""

    def _logs_of(self, request_id, seconds, init_seconds, *, timed_out):
        """The invocation's lines in CloudWatch Logs, in Lambda's format."""
        output = self._new_logs()  # complete, as the process writes before it answers
        if output and not output.endswith("\n"):
            output += "\n"
        report = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {seconds * 1000:.2f} ms",
            f"Billed Duration: {math.ceil(seconds * 1000)} ms",
            f"Memory Size: {self.function_version.config.memory_size} MB",
            f"Max Memory Used: {self._process.peak_memory_mb()} MB",
        ]
        if init_seconds is not None:
            report.append(f"Init Duration: {init_seconds * 1000:.2f} ms")
        if timed_out:
            report.append("Status: timeout")
        return (
            f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}\n"
            f"{output}END RequestId: {request_id}\n" + "\t".join(report) + "\n"
        )


def _code_folder(code) -> Path:
    """Where the code archive is unzipped: one folder for all functions whose archive has the same SHA-256."""
    return Path(tempfile.gettempdir()) / "code" / base64.b64decode(code.code_sha256).hex()


def _unzip_once(code) -> None:
    folder = _code_folder(code)
    with _code_locks.setdefault(str(folder), threading.Lock()):
        if folder.exists():
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent))
        with tempfile.NamedTemporaryFile() as archive:
            code._download_archive_to_file(archive)
            with zipfile.ZipFile(archive.name) as content:
                content.extractall(fresh)
        fresh.chmod(0o755)
        fresh.rename(folder)

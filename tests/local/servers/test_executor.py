"""Lambda functions on LocalStack without Docker behave as on AWS: errors, timeouts, crashes, environment, logs."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from local import processes
from local.deployment.aws import client
from local.servers.localstack import LocalStack
from tests.support.lambda_function import LambdaFunction

DOES_AS_TOLD = """
    import os, subprocess, sys, time

    calls = 0

    class LeafError(Exception):
        pass

    def handle(event, context):
        global calls
        calls += 1
        event = event or {}
        if "sleep" in event:
            time.sleep(event["sleep"])
        if "spawn" in event:
            return subprocess.Popen(["sleep", "300"]).pid
        if "print" in event:
            print(event["print"])
            sys.stderr.write("and to stderr")
        if "raise" in event:
            raise LeafError("said so")
        if "exit" in event:
            os._exit(event["exit"])
        if "kill" in event:
            os.kill(os.getpid(), 9)
        if "size" in event:
            return "x" * event["size"]
        return {
            "pid": os.getpid(),
            "calls": calls,
            "environment": dict(os.environ),
            "folder": os.getcwd(),
            "remaining": context.get_remaining_time_in_millis(),
            "request_id": context.aws_request_id,
        }
"""


@pytest.fixture(scope="module")
def function(localstack: str) -> LambdaFunction:
    return LambdaFunction(localstack, DOES_AS_TOLD, timeout=3, GREETING="hello")


def test_an_environment_is_reused(function: LambdaFunction) -> None:
    first, second = function.invoke(), function.invoke()
    assert second["pid"] == first["pid"]
    assert second["calls"] == first["calls"] + 1
    assert second["request_id"] != first["request_id"]
    assert 0 < second["remaining"] <= 3000


def test_warm_invocations_are_fast(function: LambdaFunction) -> None:
    function.invoke()
    seconds = []
    for _ in range(15):
        started = time.perf_counter()
        function.invoke()
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.045, "unbuffered writes and Nagle's algorithm cost 88 ms"


def test_the_error_type_is_the_exceptions_class_name(function: LambdaFunction) -> None:
    error = function.fail({"raise": True})
    assert error["errorType"] == "LeafError"
    assert error["errorMessage"] == "said so"
    assert "handler.py" in "".join(error["stackTrace"])
    assert function.invoke()["calls"] > 1, "an exception does not end the environment"


@pytest.mark.parametrize(
    ("event", "how"), [({"exit": 3}, "exit status 3"), ({"kill": True}, "signal: killed")], ids=["exits", "is killed"]
)
def test_a_crash_is_an_exit_error_and_the_next_invocation_gets_a_fresh_process(
    function: LambdaFunction, event: dict[str, object], how: str
) -> None:
    before = function.invoke()["pid"]
    error = function.fail(event)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith(f"Error: Runtime exited with error: {how}")
    after = function.invoke()
    assert after["pid"] != before
    assert after["calls"] == 1


def test_a_process_that_died_between_invocations_is_replaced(function: LambdaFunction) -> None:
    killed = function.invoke()["pid"]
    os.kill(killed, signal.SIGKILL)
    assert _ends(killed), "before the next invocation, not during it"
    for _ in range(3):
        assert function.invoke()["calls"] >= 1


def test_the_timeout_is_enforced_and_its_process_killed(function: LambdaFunction) -> None:
    pid = function.invoke()["pid"]
    started = time.monotonic()
    error = function.fail({"sleep": 60})
    assert 2.9 < time.monotonic() - started < 6
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 3.00 seconds")
    assert not psutil.pid_exists(pid)
    assert function.invoke()["calls"] == 1


def test_what_a_handler_started_dies_with_it(function: LambdaFunction) -> None:
    child = function.invoke({"spawn": True})
    assert psutil.pid_exists(child)
    function.fail({"exit": 1})
    assert _ends(child)


def test_too_large_a_response_is_refused_as_on_aws(function: LambdaFunction) -> None:
    assert len(function.invoke({"size": 6_000_000})) == 6_000_000
    assert function.fail({"size": 6_300_000})["errorType"] == "Function.ResponseSizeTooLarge"


def test_the_environment_is_lambdas_and_nothing_of_this_machines(function: LambdaFunction, localstack: str) -> None:
    answer = function.invoke()
    environment = answer["environment"]
    assert environment["GREETING"] == "hello"
    assert environment["AWS_ENDPOINT_URL"] == localstack
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == function.name
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert environment["LAMBDA_TASK_ROOT"] == answer["folder"]
    assert environment["AWS_ACCESS_KEY_ID"] != "test", "the credentials are those of the function's role"
    expected = {"PATH", "LANG", "TZ", "HOME", "TMPDIR", "GREETING", "PYTHONPATH", "PYTHONNOUSERSITE", "LC_CTYPE"}
    expected |= {"_HANDLER", "_X_AMZN_TRACE_ID", "LOCALSTACK_HOSTNAME", "_AWS_XRAY_DAEMON_PORT"}
    expected |= {"_AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"}
    expected |= {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"}
    assert {name for name in environment if not name.startswith("AWS_")} <= expected
    assert environment["HOME"] != os.environ.get("HOME")


def test_a_page_of_the_internet_takes_no_invocation(function: LambdaFunction) -> None:
    address = function.invoke()["environment"]["AWS_LAMBDA_RUNTIME_API"]
    for host, status in ((address, "404"), ("rebound.example", "421"), ("", "421")):
        request = urllib.request.Request(f"http://{address}/2018-06-01/nothing", headers={"Host": host})
        with pytest.raises(urllib.error.HTTPError, match=status):
            urllib.request.urlopen(request)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as another user")
def test_another_user_of_the_machine_takes_no_invocation(function: LambdaFunction) -> None:
    address = function.invoke()["environment"]["AWS_LAMBDA_RUNTIME_API"]
    ask = (
        'exec 3<>"/dev/tcp/${0/://}" && printf "GET /2018-06-01/nothing HTTP/1.1\\r\\nHost: $0\\r\\n\\r\\n" >&3'
        " && timeout 5 head -n 1 <&3"
    )

    def asked_by(user: int) -> str:
        command = ["/bin/bash", "-c", ask, address]
        done = subprocess.run(command, user=user, cwd="/", capture_output=True, text=True, check=False)
        return done.stdout.strip()

    assert asked_by(os.getuid()) == "HTTP/1.1 404 Not Found"
    assert asked_by(65534) == ""
    assert function.invoke()["calls"], "the function works on"


def test_boto3_comes_from_the_runtime_and_reaches_localstack(localstack: str) -> None:
    function = LambdaFunction(
        localstack,
        """
        import boto3

        def handle(event, context):
            identity = boto3.client("sts").get_caller_identity()
            return [identity["Arn"], boto3.__file__]
        """,
    )
    arn, origin = function.invoke()
    assert f"assumed-role/test/{function.name}" in arn
    assert "lambda-runtime" in origin


def test_a_failing_import_is_an_init_error_every_time(localstack: str) -> None:
    function = LambdaFunction(localstack, "import no_such_module\n")
    for _ in range(2):
        error = function.fail()
        assert error["errorType"] == "Runtime.ImportModuleError"
        assert "no_such_module" in error["errorMessage"]
    assert any("no_such_module" in line for line in _log_lines(localstack, function.name, "REPORT", count=2))


def test_a_process_that_ends_while_it_starts_is_an_exit_error(localstack: str) -> None:
    function = LambdaFunction(localstack, "import os\nos._exit(7)\n")
    for _ in range(2):
        assert function.fail()["errorMessage"].endswith("exit status 7")


def test_a_restart_that_hangs_is_cut_off_by_the_functions_timeout(localstack: str) -> None:
    function = LambdaFunction(
        localstack,
        """
        import os, pathlib, time

        mark = pathlib.Path(os.environ["HOME"], "has-started")
        if mark.exists():
            time.sleep(60)
        mark.touch()

        def handle(event, context):
            os._exit(1)
        """,
        timeout=2,
    )
    assert function.fail()["errorType"] == "Runtime.ExitError"
    started = time.monotonic()
    assert function.fail()["errorType"] == "Sandbox.Timedout"
    assert time.monotonic() - started < 5


def test_crashes_leave_neither_zombies_nor_open_files(function: LambdaFunction) -> None:
    runtime = psutil.Process(function.invoke()["pid"]).parent()
    assert runtime is not None
    before = runtime.num_fds()
    for _ in range(8):
        function.fail({"exit": 1})
    function.invoke()
    assert [child for child in runtime.children() if child.status() == psutil.STATUS_ZOMBIE] == []
    deadline = time.monotonic() + 5
    while runtime.num_fds() > before + 4 and time.monotonic() < deadline:
        time.sleep(0.1)  # a server takes half a second to end
    assert runtime.num_fds() <= before + 4


def test_what_a_thread_writes_after_the_answer_is_logged_with_the_next(localstack: str) -> None:
    function = LambdaFunction(
        localstack,
        """
        import threading

        def handle(event, context):
            threading.Timer(0.2, print, ["late words"]).start()
        """,
    )
    function.invoke()
    time.sleep(0.4)
    function.invoke()
    lines = _log_lines(localstack, function.name, "REPORT", count=2)
    assert lines.index("late words") > lines.index(next(line for line in lines if line.startswith("REPORT")))


def test_logs_land_in_cloudwatch_logs(localstack: str) -> None:
    function = LambdaFunction(localstack, DOES_AS_TOLD)
    function.invoke({"print": "a line of mine"})
    request_id = function.invoke()["request_id"]
    lines = _log_lines(localstack, function.name, "REPORT", count=2)
    assert lines[0].startswith("START RequestId: ")
    assert lines[1:3] == ["a line of mine", "and to stderr"]
    assert lines[3].startswith("END RequestId: ")
    assert lines[4].startswith("REPORT RequestId: ")
    assert "Init Duration: " in lines[4]
    assert lines[5] == f"START RequestId: {request_id} Version: $LATEST"
    assert "Init Duration: " not in lines[7]


def test_invocations_at_the_same_time_get_processes_of_their_own(localstack: str) -> None:
    function = LambdaFunction(localstack, DOES_AS_TOLD)
    started = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        pids = {answer["pid"] for answer in pool.map(function.invoke, [{"sleep": 2}] * 4)}
    assert len(pids) == 4
    assert time.monotonic() - started < 7.5


def test_functions_with_the_same_code_share_one_folder(localstack: str) -> None:
    folders = {LambdaFunction(localstack, DOES_AS_TOLD).invoke()["folder"] for _ in range(2)}
    assert len(folders) == 1


def test_a_deleted_functions_process_ends(localstack: str) -> None:
    function = LambdaFunction(localstack, DOES_AS_TOLD)
    pid = function.invoke()["pid"]
    function.client.delete_function(FunctionName=function.name)
    assert _ends(pid)


@pytest.fixture
def own_localstack(scratch: Path) -> Iterator[LocalStack]:
    runtime = LocalStack(scratch / "localstack-to-kill", processes.free_port())
    runtime.start()
    yield runtime
    runtime.stop()


def test_every_socket_is_on_loopback_and_killing_localstack_ends_its_functions(own_localstack: LocalStack) -> None:
    function = LambdaFunction(own_localstack.url, DOES_AS_TOLD, timeout=60)
    function.invoke()
    family = _family(own_localstack)
    listening = {
        connection.laddr.ip
        for process in family
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN or connection.type.name == "SOCK_DGRAM"
    }
    assert listening == {"127.0.0.1"}
    pid = function.invoke()["pid"]
    with ThreadPoolExecutor(1) as pool:
        pool.submit(function.invoke_raw, {"sleep": 50}).add_done_callback(lambda done: done.exception())
        time.sleep(0.5)
        assert _is_running(pid)
        family[0].kill()
        assert _ends(pid), "a busy handler outlived LocalStack"


def _family(runtime: LocalStack) -> list[psutil.Process]:
    process = processes.find(runtime.process())
    assert process is not None
    children = process.children(recursive=True)
    assert children, "the function's process is a child of LocalStack"
    return [process, *children]


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _ends(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while _is_running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _log_lines(localstack: str, function: str, last: str, count: int) -> list[str]:
    """The function's log lines once `count` of them start with `last`; they arrive a moment after the answer."""
    logs = client("logs", localstack)
    deadline = time.monotonic() + 10
    while True:
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            events = []
        lines = [event["message"].rstrip("\n") for event in events]
        if sum(line.startswith(last) for line in lines) >= count or time.monotonic() > deadline:
            return lines
        time.sleep(0.1)

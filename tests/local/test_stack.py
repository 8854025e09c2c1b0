"""One call brings the platform up, heals it and takes it down again, whatever happened in between.

The deployed app is a tiny one, synthesized already, so that these tests take seconds; the real app is deployed by
the end-to-end tests.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from botocore.exceptions import ClientError

from local import status as local_status
from local.deployment.access_key import SHARED
from local.deployment.aws import client
from local.deployment.deploy import Progress
from local.errors import LocalError, StackNotRunningError
from local.parts import choose_ports
from local.paths import Paths
from local.servers.api_server import role_database_url
from local.servers.database import AdminDatabase
from local.servers.localstack import LocalStack
from local.servers.postgres import PostgresServer
from local.state import State
from tests.support.tiny_stack import Lines, TinyApp, TinyStack, tiny_options
from tests.support.tls_server import tls_only

MIGRATED_BY_ANOTHER = "the database was migrated by a newer release of this software (version=9)"


class FakedApp(TinyApp):
    def template(self) -> dict[str, object]:
        template = super().template()
        dashboard = {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": "{}"}}
        return template | {"Resources": {"Dashboard": dashboard}, "Outputs": {}}


class BrokenApp(TinyApp):
    def template(self) -> dict[str, object]:
        wrong = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "A"}}
        return super().template() | {"Resources": {"Wrong": wrong}, "Outputs": {}}


class AnotherVersionsApp(TinyApp):
    def deploy(self, _endpoint: str, _progress: Progress) -> None:
        raise LocalError(f"Deploying failed: Reason: {MIGRATED_BY_ANOTHER}")


class NewerDatabasesApp(TinyApp):
    """As the migrator leaves it when a running stack is updated by older code."""

    def template(self) -> dict[str, object]:
        outcome = {"SchemaOutcome": {"Value": f"left alone: {MIGRATED_BY_ANOTHER}"}}
        template = super().template()
        return template | {"Resources": {"Other": {"Type": "AWS::S3::Bucket"}}, "Outputs": outcome}


@pytest.fixture(scope="module")
def stack(scratch: Path) -> Iterator[TinyStack]:
    """A stack that is up; each test leaves it in whatever state, and starts with `up`."""
    stack = TinyStack(Paths(scratch / "stack"), tiny_options())
    stack.up(Lines())
    yield stack
    stack.down(Lines())
    stack._parts(State()).postgres.remove()


def _processes_of(stack: TinyStack) -> list[psutil.Process]:
    """Every process whose folder, command or log belongs to the stack's state folder, or serves its API."""
    found = []
    state = str(stack.paths.state)
    port = str(stack._parts(State.load(stack.paths.stack_file)).api.port)
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            serves_api = "local.servers.api_process" in command and port in command
            if serves_api or process.cwd().startswith(state) or state in " ".join(command):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _kill(part: str, stack: TinyStack) -> None:
    pid = getattr(stack.status(), part).pid
    assert pid is not None
    victim = psutil.Process(pid)
    victim.kill()
    victim.wait(5)


def test_up_again_changes_nothing(stack: TinyStack) -> None:
    first = stack.up(Lines())
    before = stack.status()
    lines = Lines()
    assert stack.up(lines) == first == stack.outputs()
    assert lines.said == []
    assert stack.status() == before
    assert {before.localstack.state, before.postgres.state, before.api.state, before.deployment.state} == {"running"}


def test_what_it_puts_out_is_true(stack: TinyStack) -> None:
    outputs = stack.up(Lines())
    assert outputs.aws_endpoint_url is not None
    assert outputs.database_url is not None
    client("s3", outputs.aws_endpoint_url).head_bucket(Bucket=outputs.landing_bucket)
    with psycopg.connect(outputs.database_url) as connection:
        assert connection.execute("select current_database()").fetchone() == ("c360",)
    with urllib.request.urlopen(f"{outputs.local_api_url}/healthz") as answer:
        assert answer.status == 200
    assert outputs.api_url == f"{outputs.aws_endpoint_url}/_aws/execute-api/id/v1"
    assert stack.paths.stack_file.stat().st_mode & 0o077 == 0, "it holds the password"


def test_all_of_it_listens_on_loopback_only(stack: TinyStack) -> None:
    stack.up(Lines())
    listening = {
        (connection.laddr.port, connection.laddr.ip)
        for process in _processes_of(stack)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {ip for _, ip in listening} == {"127.0.0.1"}
    state = State.load(stack.paths.stack_file)
    assert state is not None
    assert {port for port, _ in listening} >= {port.used for port in state.ports.values()}
    assert state.ports.keys() >= {"localstack", "postgres", "api", "kafka"}


def test_neither_endpoint_answers_to_a_name_that_is_not_of_this_machine(stack: TinyStack) -> None:
    outputs = stack.up(Lines())
    for url in (f"{outputs.local_api_url}/healthz", f"{outputs.aws_endpoint_url}/_localstack/health"):
        with pytest.raises(urllib.error.HTTPError, match="421"):
            urllib.request.urlopen(urllib.request.Request(url, headers={"Host": "rebound.example"}))


def test_a_private_stack_takes_its_own_key_only_and_stays_private_until_told_otherwise(stack: TinyStack) -> None:
    stack.up(Lines())
    assert stack.access_key() == SHARED
    closed = TinyStack(stack.paths, stack.options.model_copy(update={"private": True}))
    endpoint = closed.up(Lines()).aws_endpoint_url or ""
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client("lambda", endpoint).list_functions()
    key = stack.access_key()
    assert len(client("lambda", endpoint, key).list_functions()["Functions"]) == 1
    lines = Lines()
    stack.up(lines)
    assert lines.said == [], "up again, as to heal it, does not open it"
    assert {part.state for part in (stack.status().localstack, stack.status().deployment)} == {"running"}
    _kill("localstack", stack)
    stack.up(Lines())
    assert stack.access_key() == key
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client("lambda", endpoint).list_functions()
    opened = TinyStack(stack.paths, stack.options.model_copy(update={"private": False}))
    opened.up(Lines())
    assert len(client("lambda", endpoint).list_functions()["Functions"]) == 1


def test_a_killed_localstack_is_seen_and_healed_and_its_runs_closed(stack: TinyStack) -> None:
    outputs = stack.up(Lines())
    assert outputs.database_url is not None
    with psycopg.connect(outputs.database_url) as connection:
        connection.execute("create schema if not exists metadata")
        connection.execute(
            "create table if not exists metadata.load_run"
            " (run_id text, status text, finished_at timestamptz, error text, cause text)"
        )
        connection.execute("insert into metadata.load_run values ('lost', 'RUNNING'), ('done', 'SUCCEEDED')")
    _kill("localstack", stack)
    status = stack.status()
    assert (status.localstack.state, status.deployment.state) == ("stopped", "stopped")
    assert (status.postgres.state, status.api.state) == ("running", "running")
    with pytest.raises(StackNotRunningError, match="c360 up"):
        stack.outputs()

    lines = Lines()
    healed = stack.up(lines)
    assert "marked 1 interrupted load run(s) as ABORTED" in lines
    assert healed.aws_endpoint_url is not None
    client("s3", healed.aws_endpoint_url).head_bucket(Bucket=healed.landing_bucket)
    with psycopg.connect(outputs.database_url) as connection:
        runs = connection.execute("select run_id, status from metadata.load_run order by 1").fetchall()
        connection.execute("drop schema metadata cascade")
    assert runs == [("done", "SUCCEEDED"), ("lost", "ABORTED")]


@pytest.mark.parametrize("part", ["postgres", "api", "kafka"])
def test_another_part_that_was_killed_is_healed_without_a_new_deployment(stack: TinyStack, part: str) -> None:
    stack.up(Lines())
    _kill(part, stack)
    assert getattr(stack.status(), part).state == "stopped"
    lines = Lines()
    stack.up(lines)
    now = stack.status()
    assert {p.state for p in (now.postgres, now.api, now.kafka, now.deployment)} == {"running"}
    assert "deploying" not in lines


def test_a_stopped_localstack_is_unhealthy_not_running(stack: TinyStack) -> None:
    stack.up(Lines())
    pid = stack.status().localstack.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        status = stack.status()
        assert (status.localstack.state, status.deployment.state) == ("unhealthy", "unhealthy")
        assert time.monotonic() - started < 10
    finally:
        os.kill(pid, signal.SIGCONT)


def test_state_of_another_version_is_replaced_with_one_line_and_the_data_kept(stack: TinyStack) -> None:
    outputs = stack.up(Lines())
    assert outputs.database_url is not None
    with psycopg.connect(outputs.database_url) as connection:
        connection.execute("create table if not exists kept as select 7 as answer")
    stack.paths.stack_file.write_text('{"version": 0, "something": "else"}')
    status = stack.status()
    assert (status.localstack.state, status.localstack.port, status.deployment.state) == ("unhealthy", None, "stopped")
    assert "from another version; c360 up heals it" in status.deployment.detail
    lines = Lines()
    again = stack.up(lines)
    assert [line for line in lines.said if "another version" in line] == lines.said[:1]
    assert again.database_url is not None
    with psycopg.connect(again.database_url) as connection:
        assert connection.execute("select answer from kept").fetchone() == (7,)


def test_a_second_up_waits_and_names_the_process(stack: TinyStack) -> None:
    stack.up(Lines())
    code = (
        "import sys, time; from pathlib import Path; from local.lock import exclusive\n"
        "with exclusive(Path(sys.argv[1]), print): print('held', flush=True); time.sleep(1.5)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(stack.paths.lock_file)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        lines = Lines()
        stack.up(lines)
        assert lines.said == [f"waiting for process {holder.pid}, which is starting or stopping the stack"]
        assert holder.poll() == 0


def test_an_up_that_was_killed_half_way_is_healed_by_the_next(scratch: Path) -> None:
    stack = TinyStack(Paths(scratch / "half"), tiny_options())
    options = stack.options.model_dump_json()
    code = (
        "import sys; from pathlib import Path\n"
        "from local.paths import Paths; from local.state import StackOptions\n"
        "from tests.support.tiny_stack import TinyStack\n"
        "TinyStack(Paths(Path(sys.argv[1])), StackOptions.model_validate_json(sys.argv[2])).up(lambda line:"
        " print(line, flush=True))"
    )
    try:
        with subprocess.Popen(
            [sys.executable, "-c", code, str(stack.paths.state), options], stdout=subprocess.PIPE, text=True
        ) as first:
            assert first.stdout is not None
            for line in first.stdout:
                if line.startswith("deploying"):
                    first.kill()
        assert first.returncode == -signal.SIGKILL
        assert stack.status().deployment.state == "stopped"
        stack.up(Lines())
        status = stack.status()
        assert (status.localstack.state, status.postgres.state, status.api.state) == ("running",) * 3
        stack.outputs()

        foreign = subprocess.Popen(["sleep", "60"], cwd="/")
        stack.down(Lines())
        assert _processes_of(stack) == []
        assert foreign.poll() is None
        foreign.kill()
        foreign.wait()
        assert stack.status().postgres.state == "stopped"
        with pytest.raises(StackNotRunningError):
            stack.outputs()
        stack.down(Lines())
    finally:
        stack.down(Lines())
        stack._parts(State()).postgres.remove()


def test_two_stacks_live_beside_each_other_and_ports_give_way(stack: TinyStack, scratch: Path) -> None:
    first = stack.up(Lines())
    second_stack = TinyStack(Paths(scratch / "second"), stack.options)
    try:
        second = second_stack.up(Lines())
        assert second.aws_endpoint_url != first.aws_endpoint_url
        assert second.database_url != first.database_url
        assert second.local_api_url != first.local_api_url
        second_stack.down(Lines())
        assert _processes_of(second_stack) == []
        assert stack.status().localstack.state == stack.status().postgres.state == "running"
        state = State.load(second_stack.paths.stack_file)
        assert state is not None
        choose_ports(second_stack.paths, second_stack.options, state)
        assert second_stack._parts(state).localstack.url == second.aws_endpoint_url, "ports are kept"
    finally:
        second_stack.down(Lines())
        second_stack._parts(State()).postgres.remove()


def test_a_foreign_process_with_a_recorded_id_is_never_stopped(stack: TinyStack) -> None:
    stack.up(Lines())
    foreign = subprocess.Popen(["sleep", "60"], cwd="/")
    note = stack.paths.state / "api.json"
    own = note.read_text()
    try:
        note.write_text(json.dumps({"pid": foreign.pid, "started": "some other moment"}))
        assert stack.status().api.state == "stopped"
        stack._parts(State()).api.stop()
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()
        note.write_text(own)


def test_an_existing_database_is_honoured_also_where_it_requires_tls(
    stack: TinyStack, postgres_server: PostgresServer, database_url: str, tmp_path: Path
) -> None:
    with tls_only(postgres_server.port, tmp_path) as (port, authority):
        url = database_url.replace(f":{postgres_server.port}/", f":{port}/")
        url += f"?sslmode=verify-full&sslrootcert={authority}"
        existing = TinyStack(stack.paths, stack.options.model_copy(update={"database_url": url}))
        outputs = existing.up(Lines())
        assert outputs.database_url == url
        assert outputs.aws_endpoint_url is not None
        assert existing.status().postgres.state == "running"
        assert existing._parts(State()).postgres.process() is None
        state = State.load(existing.paths.stack_file)
        assert state is not None
        with psycopg.connect(role_database_url(outputs.aws_endpoint_url, state.api_function)) as connection:
            assert connection.pgconn.ssl_in_use, "the functions and the API server encrypt as DATABASE_URL says"
    assert existing.status().postgres.state == "unhealthy"
    with pytest.raises(LocalError, match=r"PostgreSQL at 127\.0\.0\.1:1 cannot be used"):
        TinyStack(
            stack.paths,
            stack.options.model_copy(update={"database_url": "postgresql://user:secret@127.0.0.1:1/c360"}),
        ).up(Lines())


def test_a_deployment_that_is_not_whole_is_one_clear_line(stack: TinyStack, monkeypatch: pytest.MonkeyPatch) -> None:
    for app, message in (
        (FakedApp, r"pretended to create C360-Data/Dashboard \(AWS::CloudWatch::Dashboard\)"),
        (BrokenApp, "Deploying failed: C360-Data: AWS::S3::Bucket Wrong .*InvalidBucketName"),
        *(
            (app, f"another version of this software.*`c360 down && rm -rf {stack.paths.state}` starts again")
            for app in (AnotherVersionsApp, NewerDatabasesApp)
        ),
    ):
        monkeypatch.setattr(TinyStack, "app", app)
        with pytest.raises(LocalError, match=message) as caught:
            TinyStack(stack.paths, stack.options.model_copy(update={"on_arrival": True})).up(Lines())
        assert "\n" not in str(caught.value)
        assert stack.status().deployment.state == "stopped"
    monkeypatch.undo()
    lines = Lines()
    healed = stack.up(lines)
    assert "the last deployment was not completed; starting with an empty LocalStack" in lines
    assert healed.aws_endpoint_url is not None
    client("s3", healed.aws_endpoint_url).head_bucket(Bucket=healed.landing_bucket)


def test_interrupting_up_leaves_no_cdk_behind(stack: TinyStack) -> None:
    changed = TinyStack(stack.paths, stack.options.model_copy(update={"alert_email": "a@example.com"}))

    def interrupt(line: str) -> None:
        if line.startswith("deployed"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        changed.up(interrupt)
    assert not any("cdk" in " ".join(process.cmdline()) for process in _processes_of(stack))


class RacedStack(TinyStack):
    """Between the choice of ports and the start of Kafka, another program takes Kafka's."""

    taken: socket.socket | None = None

    def _start_localstack(
        self, state: State, localstack: LocalStack, database: AdminDatabase, progress: Progress
    ) -> None:
        if self.taken is None:
            self.taken = socket.create_server(("127.0.0.1", state.ports["kafka"].used))
        super()._start_localstack(state, localstack, database, progress)


def test_a_port_that_another_start_takes_meanwhile_is_left_for_the_next_one(stack: TinyStack) -> None:
    stack.up(Lines())
    _kill("kafka", stack)
    before = stack.status().kafka.port
    raced, lines = RacedStack(stack.paths, stack.options), Lines()
    raced.up(lines)
    assert raced.taken is not None
    with raced.taken:
        assert f"Port {before} is taken by another program; Kafka needs a free one. Taking the next one." in lines
        now = stack.status()
        assert {now.kafka.state, now.localstack.state, now.deployment.state} == {"running"}
        assert now.kafka.port not in (None, before)


def test_the_status_shows_the_room_left_and_warns_of_little(stack: TinyStack, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = stack.status().disk
    assert "GB free" in disk.detail
    monkeypatch.setattr(local_status, "LOW_DISK_BYTES", shutil.disk_usage(stack.paths.state).total + 1)
    assert stack.status().disk.state == "unhealthy"

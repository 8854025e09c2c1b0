"""What was killed, stopped or left by another version is seen, and healed by the next `up`; nothing else is."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from local.deployment.aws import client
from local.errors import StackNotRunningError
from local.paths import Paths
from local.state import State
from tests.support.tiny_stack import Lines, TinyStack, kill, processes_of, tiny_options


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
    kill("localstack", stack)
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
    kill(part, stack)
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
        assert processes_of(stack) == []
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

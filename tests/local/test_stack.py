"""One call brings the platform up and takes it down again; what is up is what it says.

The deployed app is a tiny one, synthesized already, so that these tests take seconds; the real app is deployed by
the end-to-end tests.
"""

import shutil
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import psycopg
import pytest
from botocore.exceptions import ClientError

from local import status as local_status
from local.deployment.access_key import SHARED
from local.deployment.aws import client
from local.errors import LocalError
from local.parts import choose_ports
from local.paths import Paths
from local.servers.api_server import role_database_url
from local.servers.postgres import PostgresServer
from local.state import State
from tests.support.tiny_stack import Lines, TinyStack, kill, processes_of
from tests.support.tls_server import tls_only


def test_up_again_changes_nothing(stack: TinyStack) -> None:
    first = stack.up(Lines())
    before = stack.status()
    lines = Lines()
    assert stack.up(lines) == first == stack.outputs()
    assert lines.said == []
    now = stack.status()
    assert now == before.model_copy(update={"disk": now.disk}), "others fill the disk too"
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
        for process in processes_of(stack)
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
    kill("localstack", stack)
    stack.up(Lines())
    assert stack.access_key() == key
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client("lambda", endpoint).list_functions()
    opened = TinyStack(stack.paths, stack.options.model_copy(update={"private": False}))
    opened.up(Lines())
    assert len(client("lambda", endpoint).list_functions()["Functions"]) == 1


def test_two_stacks_live_beside_each_other_and_ports_give_way(stack: TinyStack, scratch: Path) -> None:
    first = stack.up(Lines())
    second_stack = TinyStack(Paths(scratch / "second"), stack.options)
    try:
        second = second_stack.up(Lines())
        assert second.aws_endpoint_url != first.aws_endpoint_url
        assert second.database_url != first.database_url
        assert second.local_api_url != first.local_api_url
        second_stack.down(Lines())
        assert processes_of(second_stack) == []
        assert stack.status().localstack.state == stack.status().postgres.state == "running"
        state = State.load(second_stack.paths.stack_file)
        assert state is not None
        choose_ports(second_stack.paths, second_stack.options, state)
        assert second_stack._parts(state).localstack.url == second.aws_endpoint_url, "ports are kept"
    finally:
        second_stack.down(Lines())
        second_stack._parts(State()).postgres.remove()


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


def test_the_status_shows_the_room_left_and_warns_of_little(stack: TinyStack, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = stack.status().disk
    assert "GB free" in disk.detail
    monkeypatch.setattr(local_status, "LOW_DISK_BYTES", shutil.disk_usage(stack.paths.state).total + 1)
    assert stack.status().disk.state == "unhealthy"

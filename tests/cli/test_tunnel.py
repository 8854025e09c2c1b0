"""c360 sql on AWS: through a forwarded port, by an IAM token, with the database's own certificate verified."""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import psycopg
import pytest

from cli import tunnel
from cli.deployment import Deployment
from cli.errors import UsageError
from functions.load.schema.migrate import ROLES
from functions.load.schema.migrate_handler import handle
from tests.support.command_line import C360
from tests.support.lambda_context import lambda_context
from tests.support.rds import RdsServer, rds_server, signer

OF_THE_STACK = {"DatabaseHost": "127.0.0.1", "DatabaseName": "c360"}


@pytest.fixture(scope="module")
def rds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RdsServer]:
    """The stand-in for RDS; its own port stands for the tunnel's end."""
    with rds_server(tmp_path_factory.mktemp("rds")) as server:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in server.environment().items():
                patch.setenv(name, value)
            patch.setattr(boto3, "DEFAULT_SESSION", None)
            handle({}, lambda_context())
        yield server


@pytest.fixture
def on_aws(rds: RdsServer, deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment on AWS whose tunnel is open."""
    for name, value in signer().items():
        monkeypatch.setenv(name, value)
    made = deploy(target="aws", aws_endpoint_url=None, database_url=None)
    made.__dict__["rds"] = boto3.Session().client("rds")
    made.__dict__["stack_outputs"] = OF_THE_STACK | {"DatabasePort": str(rds.port)}
    monkeypatch.setenv("C360_TUNNEL_PORT", str(rds.port))
    monkeypatch.setattr(tunnel, "authorities", lambda: rds.authority)
    return made


def test_a_reader_asks_through_the_tunnel_by_a_token_of_their_own(c360: C360, on_aws: Deployment) -> None:
    done = c360("sql", "select current_user as me, count(*) from vw_customer_360", "--json")
    assert done.json["rows"] == [{"me": "c360_bi", "count": 0}], done.stderr


def test_another_reader_is_named(c360: C360, on_aws: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_DATABASE_USER", "c360_bi_persons")
    assert "c360_bi_persons" in ROLES
    assert c360("sql", "select current_user as me", "--json").json["rows"] == [{"me": "c360_bi_persons"}]


def test_a_reader_changes_nothing(c360: C360, on_aws: Deployment) -> None:
    done = c360("sql", "--write", "delete from raw_vault.hub_customer")
    assert (done.status, "permission denied" in done.stderr) == (1, True)


def test_who_answers_in_the_databases_place_is_refused(
    c360: C360, on_aws: Deployment, rds: RdsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    monkeypatch.setattr(tunnel, "authorities", lambda: other)
    assert "root certificate file" in c360("sql", "select 1").stderr
    on_aws.stack_outputs["DatabaseHost"] = "db.example"
    monkeypatch.setattr(tunnel, "authorities", lambda: rds.authority)
    assert 'does not match host name "db.example"' in c360("sql", "select 1").stderr


def test_without_a_tunnel_one_line_says_how_to_open_it(
    c360: C360, on_aws: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C360_TUNNEL_PORT", "9")
    done = c360("sql", "select 1")
    assert done.status == 1
    assert "-c database_access=tunnel and leave `c360 tunnel` running" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_tunnel_is_opened_by_awss_own_command(
    c360: C360, on_aws: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("aws", "session-manager-plugin"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/said\nexit 3\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    on_aws.__dict__["access_outputs"] = {"TunnelInstanceId": "i-0123456789"}
    assert c360("tunnel", "--port", "7000").status == 3
    said = (tmp_path / "said").read_text().splitlines()
    assert said[:2] == ["ssm", "start-session"]
    assert said[said.index("--target") + 1] == "i-0123456789"
    assert said[said.index("--document-name") + 1] == "AWS-StartPortForwardingSessionToRemoteHost"
    parameters = json.loads(said[said.index("--parameters") + 1])
    port = on_aws.stack_outputs["DatabasePort"]
    assert parameters == {"host": ["127.0.0.1"], "portNumber": [port], "localPortNumber": ["7000"]}


def test_a_deployment_without_a_tunnel_says_so(
    c360: C360, on_aws: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "aws is not installed" in c360("tunnel").stderr
    assert "c360 tunnel is for AWS" in c360("tunnel", "--target", "embedded").stderr


def test_the_authorities_are_those_of_rds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("C360_STATE_DIR", str(tmp_path / "state"))
    written = tunnel.authorities()
    assert b"BEGIN CERTIFICATE" in written.read_bytes()
    assert written.stat().st_mode & 0o077 == 0


def test_psql_is_told_all_that_the_tunnel_needs(on_aws: Deployment, rds: RdsServer) -> None:
    with on_aws.database() as connection:
        given = connection.info.get_parameters()
        assert isinstance(connection, psycopg.Connection)
    assert (given["hostaddr"], given["sslmode"], given["sslrootcert"]) == (
        "127.0.0.1",
        "verify-full",
        str(rds.authority),
    )


@pytest.mark.parametrize("port", ["x", "-1", "0", "65536", "5433.5"])
def test_a_setting_that_is_no_port_is_named(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("C360_TUNNEL_PORT", port)
    with pytest.raises(UsageError, match=r"C360_TUNNEL_PORT=.* is no port"):
        tunnel.local_port()

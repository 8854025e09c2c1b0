"""Every command fails the same way: one line, a status, and one object with --json."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import run_command
from local.deployment import aws
from tests.support.command_line import C360

NEEDS_A_PLATFORM = [
    ["outputs"],
    ["drop", "customers.csv"],
    ["run"],
    ["run", "--wait"],
    ["runs"],
    ["sql", "select 1"],
    ["logs"],
]


@pytest.mark.parametrize("arguments", NEEDS_A_PLATFORM, ids=" ".join)
def test_without_a_platform_every_command_says_how_to_start_it(
    c360: C360, arguments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "customers.csv").write_text("customer_id\n")
    done = c360(*arguments, "--json")
    assert done.status == 1
    assert done.json["error"]["code"] == "deployment"
    assert "c360 up" in done.json["error"]["message"]
    plain = c360(*arguments)
    assert plain.status == 1
    assert plain.stdout == ""
    assert len(plain.stderr.strip().splitlines()) == 1


def test_status_tells_the_truth_before_anything_was_started(c360: C360) -> None:
    done = c360("status", "--json")
    assert done.status == 0
    parts = done.json
    assert "GB free" in parts.pop("disk")["detail"]
    assert {name: part["state"] for name, part in parts.items()} == {
        "localstack": "stopped",
        "postgres": "stopped",
        "api": "stopped",
        "kafka": "stopped",
        "event_source": "stopped",
        "deployment": "stopped",
    }


@pytest.mark.parametrize(
    "arguments",
    [["frobnicate"], ["generate", "--customers", "many"], ["drop"], ["run", "--wiat"], ["sql", "select 1", "-f", "a"]],
    ids=" ".join,
)
def test_wrong_usage_is_status_2_and_an_object(c360: C360, arguments: list[str]) -> None:
    done = c360(*arguments, "--json")
    assert done.status == 2
    assert done.json["error"]["code"] == "usage"
    assert c360(*arguments).stdout == ""


def test_generate_tells_files_and_revenue(c360: C360, tmp_path: Path) -> None:
    done = c360("generate", "--customers", "20", "--products", "5", "--transactions", "40", "--json")
    assert done.status == 0
    assert [file["rows"] for file in done.json["files"]] == [20, 5, 40]
    assert (tmp_path / "sample" / "transactions.csv").stat().st_size == done.json["files"][2]["bytes"]
    (tmp_path / "sample" / "products.csv").write_text("mine")
    again = c360("generate", "--json")
    assert again.status == 1
    assert again.json["error"]["code"] == "file"


@pytest.mark.parametrize("command", ["up", "down", "status"])
def test_what_is_for_this_machine_says_so_for_other_targets(c360: C360, command: str) -> None:
    done = c360(command, "--target", "aws", "--json")
    assert done.status == 2
    assert "cdk deploy" in done.json["error"]["message"]


@pytest.mark.parametrize(
    "command",
    [
        "", "up", "down", "status", "outputs", "generate", "drop", "run", "runs", "sql", "sql render", "logs", "demo",
        "model check", "model migration",
    ],
)  # fmt: skip
def test_every_command_has_help(c360: C360, command: str) -> None:
    done = c360(*command.split(), "--help")
    assert done.status == 0
    assert "Usage: c360" in done.stdout
    assert not command or "--json" in done.stdout


def test_a_fault_of_ours_is_one_line_and_with_debug_a_traceback(c360: C360, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_target: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("cli.deployment.open_deployment", broken)
    done = c360("outputs")
    assert done.status == 1
    assert done.stderr.strip() == "c360: ZeroDivisionError: oops (C360_DEBUG=1 shows where)"
    monkeypatch.setenv("C360_DEBUG", "1")
    assert "Traceback" in c360("outputs").stderr


def test_the_program_itself_keeps_the_promises(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "from cli.main import main; main()"]
    environment = {"C360_STATE_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([*program, "outputs", "--json"], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "deployment"
    version = subprocess.run([*program, "--version"], capture_output=True, text=True, env=environment, check=True)
    assert version.stdout.startswith("c360 ")
    assert run_command(["--version"]) == 0


def test_the_users_aws_settings_do_not_leak_into_local_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile work]\nregion = eu-west-1\nendpoint_url = http://10.0.0.1\n")
    for name, value in {
        "AWS_PROFILE": "no-such-profile",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL": "http://10.0.0.1",
        "AWS_ENDPOINT_URL_S3": "http://10.0.0.1",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "HTTP_PROXY": "http://10.0.0.1:3128",
    }.items():
        monkeypatch.setenv(name, value)
    session = aws.session()
    client = session.client("s3", endpoint_url="http://127.0.0.1:4566", config=aws.client_config())
    credentials = session.get_credentials()
    assert credentials is not None
    assert (credentials.access_key, credentials.secret_key, credentials.token) == ("test", "test", None)
    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
    assert client.meta.region_name == "us-east-1"
    assert vars(client.meta.config)["proxies"] == {}

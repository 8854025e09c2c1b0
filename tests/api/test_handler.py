"""The Lambda handler: a REST API's event in, the same answer as over HTTP out."""

import base64
import json
import subprocess
import sys
from types import ModuleType

import httpx
import psycopg
import pytest

from functions.api.metrics import REFUSED, UNAVAILABLE
from tests.support.known_marts import ODD_IDS
from tests.support.served_api import EVENT, Invoke

HOST = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/v1"


@pytest.mark.parametrize(
    "target",
    [
        "/customers?limit=3&skip=2",
        "/customers/C0001",
        "/customers/C0001/orders?limit=2",
        "/customers/nobody",
        "/products?limit=1000",
        "/orders?limit=0",
        "/orders?limit=2&limit=3",
        "/healthz",
        "/nothing",
        *("/customers/" + "".join(f"%{byte:02X}" for byte in key.encode()) + "/orders?limit=2" for key in ODD_IDS),
    ],
)
def test_the_handler_answers_what_uvicorn_answers(client: httpx.Client, invoke: Invoke, target: str) -> None:
    direct = client.get(target)
    answer = invoke(target)
    assert answer["statusCode"] == direct.status_code
    assert answer["isBase64Encoded"] is False
    assert answer["headers"]["content-type"] == direct.headers["content-type"]
    body = answer["body"].replace(HOST, str(client.base_url).rstrip("/"))
    if direct.is_error:
        assert json.loads(body).pop("request_id") == "5a6b7c8d-1234-4abc-9def-0123456789ab"
        assert json.loads(body) | {"request_id": ""} == direct.json() | {"request_id": ""}
    else:
        assert body == direct.text


def test_next_is_the_public_url_with_stage_and_encoded_path_and_can_be_followed(invoke: Invoke) -> None:
    for path in ("/customers", "/customers/slash%2Finside/orders"):
        page = json.loads(invoke(f"{path}?limit=1")["body"])
        assert page["next"].startswith(f"{HOST}{path}?limit=1&cursor=")
        following = json.loads(invoke(page["next"].removeprefix(HOST))["body"])
        assert following["items"] != page["items"]


def test_next_through_localstack_keeps_its_host_port_and_scheme(handler: ModuleType) -> None:
    event = json.loads(EVENT.read_text())
    forwarded = {"Host": "127.0.0.1:4566", "X-Forwarded-Proto": "HTTP", "X-Forwarded-Port": "4566"}
    event["headers"] |= forwarded
    event["multiValueHeaders"] |= {name: [value] for name, value in forwarded.items()}
    page = json.loads(handler.handle(event, None)["body"])
    assert page["next"].startswith("http://127.0.0.1:4566/v1/customers?limit=100&cursor=")


def test_documentation_works_below_the_stage_and_its_files_arrive_whole(client: httpx.Client, invoke: Invoke) -> None:
    page = invoke("/docs")["body"] + invoke("/redoc")["body"]
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("/docs/swagger-ui.js", "/docs/swagger-ui.css", "/redoc/redoc.js", "/openapi.json"):
        assert f"/v1{asset}" in page
        answer = invoke(asset)
        assert answer["statusCode"] == 200
        content = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
        if asset != "/openapi.json":
            assert content == client.get(asset).content
            assert len(answer["body"]) > 100_000
            assert answer["headers"]["content-type"].startswith(("text/javascript", "text/css"))
    logo = invoke("/redoc/logo-mini.svg")
    assert (logo["statusCode"], logo["isBase64Encoded"]) == (200, False), "API Gateway would hand on the base64"
    assert logo["body"].startswith("<svg")
    assert json.loads(invoke("/openapi.json")["body"])["servers"] == [{"url": "/v1"}]


def test_invocations_share_one_connection_and_survive_its_loss(invoke: Invoke, admin_url: str) -> None:
    sessions = "select pid from pg_stat_activity where usename = 'c360_api' and datname = current_database()"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        before = {pid for (pid,) in admin.execute(sessions)}
        for _ in range(5):
            assert invoke("/customers/C0001")["statusCode"] == 200
        (ours,) = {pid for (pid,) in admin.execute(sessions)} - before
        admin.execute("select pg_terminate_backend(%s, 5000)", [ours])
        assert invoke("/customers/C0001")["statusCode"] == 200


def test_importing_the_handler_loads_neither_boto3_nor_connects() -> None:
    program = (
        "import sys, functions.api.handler\n"
        "heavy = {'boto3', 'botocore.session', 'botocore.client', 'pandas', 'pyarrow', 'uvicorn', 'httpx'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("status", "counted"), [(200, None), (404, None), (401, REFUSED), (403, REFUSED), (500, None), (503, UNAVAILABLE)]
)
def test_what_is_refused_or_not_available_is_counted_and_nothing_else(
    handler: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    counted: str | None,
) -> None:
    """API Gateway's own metrics count 4XX and 5XX, whatever they are."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "c360-api")
    monkeypatch.setattr(handler, "_mangum", lambda _event, _context: {"statusCode": status})
    capsys.readouterr()
    assert handler.handle({}, None)["statusCode"] == status
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line[counted] for line in lines if counted] == ([[1.0]] if counted else [])
    assert len(lines) == (1 if counted else 0)
    for line in lines:
        [described] = line["_aws"]["CloudWatchMetrics"]
        assert (described["Namespace"], described["Dimensions"], line["service"]) == ("C360", [["service"]], "c360-api")

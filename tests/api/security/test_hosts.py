"""The local server answers those only who call it by a name of its own: no page on the internet reads it."""

from collections.abc import Iterator

import httpx
import pytest

from functions.api.app import create_app
from local.loopback import allowed_hosts
from tests.support import night
from tests.support.served_api import served, settings_for

CUSTOMERS = "/customers?limit=1"


@pytest.fixture(scope="module")
def local(night_url: str) -> Iterator[httpx.Client]:
    """The API of the loaded nights, as the local server is started."""
    settings = settings_for(
        night.role_url(night_url, "c360_api"),
        allowed_hosts=",".join(allowed_hosts()),
        cors_allowed_origins="https://shop.example",
    )
    with served(create_app(settings)) as client:
        yield client


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000", "[::1]"])
def test_its_own_names_are_answered(local: httpx.Client, host: str) -> None:
    assert local.get(CUSTOMERS, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["rebound.example", "127.0.0.1.rebound.example:8000", "localhost.example", "[::1].example", "[::1", ""]
)
@pytest.mark.parametrize("path", [CUSTOMERS, "/dashboard", "/healthz", "/docs", "/openapi.json"])
def test_a_foreign_host_reads_nothing(local: httpx.Client, host: str, path: str) -> None:
    answer = local.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Misdirected Request"


@pytest.mark.parametrize("origin", ["https://rebound.example", "http://localhost.example:8000", "null"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_pages_of_a_foreign_origin_read_and_write_nothing(local: httpx.Client, origin: str, method: str) -> None:
    asks = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    answer = local.request(method, CUSTOMERS, headers=asks)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:8000", "https://shop.example"])
def test_pages_of_this_machine_and_of_named_origins_read(local: httpx.Client, origin: str) -> None:
    assert local.get(CUSTOMERS, headers={"Origin": origin}).status_code == 200


def test_another_name_is_let_in_where_the_user_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_ALLOWED_HOSTS", "laptop.example, tunnel.example")
    assert allowed_hosts()[-2:] == ("laptop.example", "tunnel.example")
    monkeypatch.delenv("C360_ALLOWED_HOSTS")
    assert allowed_hosts() == ("127.0.0.1", "localhost", "[::1]")

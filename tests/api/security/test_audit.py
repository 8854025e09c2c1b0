"""Who was shown whom is recorded before they are: each answer once, whatever happens to it on its way."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import httpx
import psycopg
import pytest

from functions.api.app import create_app
from functions.api.security.audit import AuditTrail
from functions.audit.chain import verify
from functions.common.errors import DatabaseUnavailableError
from tests.api.conftest import served, settings_for
from tests.api.security.test_access import _bearer, _jwt_settings, token
from tests.support import night

if TYPE_CHECKING:
    from functions.api.database import Database


@pytest.fixture
def trail(night_url: str) -> "Trail":
    return Trail(night_url)


class Trail:
    """The records that are added from now on."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._since = self._newest()

    def _newest(self) -> int:
        with psycopg.connect(self.url) as connection:
            row = connection.execute("select coalesce(max(record_id), 0) from audit.record").fetchone()
            return int(row[0]) if row else 0

    def added(self) -> list[dict[str, Any]]:
        with psycopg.connect(self.url) as connection:
            verify(connection)
            rows = connection.execute(
                "select content from audit.record where record_id > %s order by record_id", (self._since,)
            )
            return [row[0] for row in rows]


def test_a_list_is_recorded_with_its_filter_and_its_number(night_client: httpx.Client, trail: Trail) -> None:
    answer = night_client.get("/customers", params={"limit": "3", "country": "Norway", "email": "ann@example.com"})
    (record,) = trail.added()
    assert record == {
        "action": "read",
        "role": "c360_api",
        "route": "/customers",
        "records": len(answer.json()["items"]),
        "filter": {"limit": "3", "country": "Norway", "email": record["filter"]["email"]},
        "masked": False,
        "request_id": answer.headers["x-request-id"],
    }
    assert record["filter"]["email"].startswith("sha256:")


@pytest.mark.parametrize("path", ["", "/orders", "/timeline", "/history", "/explain", "/activity"])
def test_what_is_told_of_one_customer_is_recorded_with_whose_it_is(
    night_client: httpx.Client, trail: Trail, path: str
) -> None:
    customer_id = night_client.get("/customers?limit=1").json()["items"][0]["customer_id"]
    answer = night_client.get(f"/customers/{customer_id}{path}")
    assert answer.status_code == 200
    _, record = trail.added()
    assert (record["customer_id"], record["route"]) == (customer_id, "/customers/{customer_id}" + path)
    items = answer.json().get("items")
    assert record["records"] == (1 if items is None else len(items))


def test_the_subject_is_the_tokens(night_url: str, trail: Trail) -> None:
    with served(create_app(_jwt_settings(night.role_url(night_url, "c360_api")))) as client:
        headers = _bearer(token(sub="ann", scope="profile:read"))
        assert client.get("/customers?limit=1", headers=headers).status_code == 200
        assert client.get("/customers?limit=1").status_code == 401
    (record,) = trail.added()
    assert (record["subject"], record["masked"]) == ("ann", True)


def test_what_shows_nobody_is_not_recorded(night_client: httpx.Client, trail: Trail) -> None:
    for path in ("/healthz", "/readyz", "/products?limit=1", "/metrics/overview", "/openapi.json"):
        assert night_client.get(path).status_code == 200, path
    assert night_client.get("/customers/nobody").status_code == 404
    assert night_client.get("/customers?limit=0").status_code == 422
    tag = night_client.get("/customers?limit=1").headers["etag"]
    assert night_client.get("/customers?limit=1", headers={"If-None-Match": tag}).status_code == 304
    assert len(trail.added()) == 1


def test_every_answer_of_many_at_once_is_recorded_once(night_client: httpx.Client, trail: Trail) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: night_client.get("/customers?limit=1"), range(80)))
    assert {answer.status_code for answer in answers} == {200}
    told = [record["request_id"] for record in trail.added()]
    assert sorted(told) == sorted(answer.headers["x-request-id"] for answer in answers)


def test_what_cannot_be_recorded_is_not_shown(night_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(settings_for(night.role_url(night_url, "c360_api")))

    async def gone(_contents: str) -> None:
        raise DatabaseUnavailableError("gone")

    monkeypatch.setattr(app.state.database, "append_audit", gone)
    with served(app) as client:
        answer = client.get("/customers?limit=1")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert "items" not in answer.json()
        assert client.get("/products?limit=1").status_code == 200


def test_records_that_wait_together_are_committed_together_and_each_is_told() -> None:
    class SlowDatabase:
        def __init__(self) -> None:
            self.batches: list[str] = []

        async def append_audit(self, contents: str) -> None:
            self.batches.append(contents)
            await asyncio.sleep(0.01)
            if "fails" in contents:
                raise DatabaseUnavailableError("gone")

    database = SlowDatabase()

    async def run() -> list[BaseException | None]:
        trail = AuditTrail(cast("Database", database))
        records = [trail.record({"n": n}) for n in range(50)]
        done = await asyncio.gather(trail.record({"n": "first"}), *records, return_exceptions=True)
        return [*done, *await asyncio.gather(trail.record({"n": "fails"}), return_exceptions=True)]

    *done, failed = asyncio.run(run())
    assert done == [None] * 51
    assert isinstance(failed, DatabaseUnavailableError)
    assert len(database.batches) <= 3

"""Each answer about persons is recorded once, before it is sent, whatever happens to it on its way."""

import asyncio
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import psycopg
import pytest

from functions.api.app import create_app
from functions.api.security import audit_trail
from functions.api.security.audit_trail import CommittedTrail
from functions.audit.chain import verify
from functions.common.errors import DatabaseUnavailableError
from tests.support import night
from tests.support.served_api import EVENT, Invoke, served, settings_for
from tests.support.tokens import bearer, jwt_settings, token

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


def test_rows_that_explain_a_figure_and_who_was_found_are_recorded_and_figures_are_not(
    night_client: httpx.Client, trail: Trail
) -> None:
    for path in ("/metrics", "/metrics/overview", "/metrics/overview/csv", "/metrics/catalogue"):
        assert night_client.get(path).status_code == 200
    assert trail.added() == []
    assert night_client.get("/metrics/overview/explain?column=revenue&limit=7").status_code == 200
    assert night_client.get("/search?q=C0007").status_code == 200
    explained, found = trail.added()
    assert (explained["route"], explained["records"]) == ("/metrics/{panel}/explain", 7)
    assert (found["route"], found["records"]) == ("/search", 1)
    assert found["filter"]["q"].startswith("sha256:")


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
    with served(create_app(jwt_settings(night.role_url(night_url, "c360_api")))) as client:
        headers = bearer(token(sub="ann", scope="profile:read"))
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
    recorded = [record["request_id"] for record in trail.added()]
    assert sorted(recorded) == sorted(answer.headers["x-request-id"] for answer in answers)


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
        trail = CommittedTrail(cast("Database", database))
        records = [trail.record(f'{{"n": {n}}}') for n in range(50)]
        done = await asyncio.gather(trail.record('{"n": "first"}'), *records, return_exceptions=True)
        return [*done, *await asyncio.gather(trail.record('{"n": "fails"}'), return_exceptions=True)]

    *done, failed = asyncio.run(run())
    assert done == [None] * 51
    assert isinstance(failed, DatabaseUnavailableError)
    assert len(database.batches) <= 3


SERVER = """
import asyncio, json, os, sys
from pathlib import Path
from functions.api.database import Database
from functions.api.security.audit_trail import SpooledTrail
from functions.common.settings import DatabaseSettings

async def main():
    trail = SpooledTrail(Database(DatabaseSettings.from_environment()), Path(sys.argv[1]))
    for number in range(100):
        await trail.record(json.dumps({"action": "read", "request_id": f"killed-{number}"}))
    print("answered", flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


def test_what_a_killed_server_had_answered_comes_into_the_chain(night_url: str, trail: Trail, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    environment = os.environ | {"DATABASE_URL": night.role_url(night_url, "c360_api")}
    killed = subprocess.run(
        [sys.executable, "-c", SERVER, str(spool)], env=environment, capture_output=True, check=False
    )
    assert killed.stdout == b"answered\n", killed.stderr
    assert trail.added() == []
    assert [path.stat().st_mode & 0o777 for path in spool.iterdir()] == [0o600]
    settings = settings_for(night.role_url(night_url, "c360_api"), audit_spool=spool)
    with served(create_app(settings)) as client:
        assert client.get("/customers?limit=1").status_code == 200
        deadline = time.monotonic() + 10
        while len(trail.added()) < 101 and time.monotonic() < deadline:
            time.sleep(0.1)
    recorded = [record["request_id"] for record in trail.added()]
    assert {f"killed-{number}" for number in range(100)} < set(recorded)
    assert len(recorded) == 101
    assert list(spool.iterdir()) == []


def test_while_the_database_takes_no_records_they_wait_and_in_the_end_nothing_is_answered(
    night_url: str, trail: Trail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_trail, "MOST_WAITING", 3)
    monkeypatch.setattr(audit_trail, "FLUSH_SECONDS", 0.05)
    app = create_app(settings_for(night.role_url(night_url, "c360_api"), audit_spool=tmp_path / "spool"))
    append, is_away = app.state.database.append_audit, True

    async def sometimes(contents: str) -> None:
        if is_away:
            raise DatabaseUnavailableError("away")
        await append(contents)

    monkeypatch.setattr(app.state.database, "append_audit", sometimes)
    with served(app) as client:
        statuses = [client.get("/customers?limit=1").status_code for _ in range(8)]
        answered = statuses.count(200)
        assert set(statuses) == {200, 503}
        assert 3 <= answered <= 6, "three wait, and up to three are being committed, in vain"
        is_away = False
        deadline = time.monotonic() + 10
        while len(trail.added()) < answered and time.monotonic() < deadline:
            time.sleep(0.1)
    assert len(trail.added()) == answered


def test_behind_api_gateway_the_subject_is_the_keys_id_and_never_the_key(invoke: Invoke, admin_url: str) -> None:
    trail = Trail(admin_url)
    assert invoke("/customers?limit=1")["statusCode"] == 200
    (record,) = trail.added()
    identity = json.loads(EVENT.read_text())["requestContext"]["identity"]
    assert record["subject"] == f"api-key:{identity['apiKeyId']}"
    assert identity["apiKey"] not in str(record)

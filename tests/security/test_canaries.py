"""Values that only a person's data hold are let in everywhere, and looked for everywhere they must not come out.

Every route, every view of the bi role, every file of the lake, the listing of quarantine, the audit trail, and every
log: without the right to see persons none of the canaries shows, with it they do.
"""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow.parquet
import pytest
from fastapi.routing import iter_route_contexts
from moto import mock_aws

from functions.api.app import create_app
from functions.api.security.public_paths import is_public
from functions.common.logging import logger
from functions.load.lake.export import export
from functions.load.retention import enforce_retention
from functions.load.staging.quarantine import RowFilter, find_rows
from functions.model.reading import load_model
from functions.stream import handler as stream_handler
from local.servers.postgres import PostgresServer
from tests.support.csv_files import transactions, write_csv
from tests.support.database import fresh_database
from tests.support.kafka_messages import click, delivered
from tests.support.lambda_context import handler_signed_in, lambda_context
from tests.support.night import BUCKET, Night, prepare, role_url
from tests.support.served_api import answered, served, settings_for

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LAKE = "lake-of-canaries"
CANARY = re.compile("canar(?:y|ies)", re.IGNORECASE)
PERSON = {
    "customer_id": "C1",
    "first_name": "Zanna-Canary",
    "last_name": "Zondervan-Canary",
    "email": "zanna@canary.example",
    "phone": "+1-canary-555",
    "city": "Oslo",
    "nickname": "Canary the unknown column",
}


@dataclass
class Let:
    """A platform into which canaries were let, and what it has logged meanwhile."""

    night: Night
    server: PostgresServer
    logged: Callable[[], str]


@pytest.fixture(scope="module")
def let(postgres_server: PostgresServer, migrated_template: str, s3_client: "S3Client") -> Iterator[Let]:
    lines = io.StringIO()
    keeping = logging.StreamHandler(lines)
    keeping.setFormatter(logger.registered_formatter)
    logger.addHandler(keeping)
    with (
        pytest.MonkeyPatch.context() as patch,
        mock_aws(),
        fresh_database(postgres_server) as url,
    ):
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        prepare(url)
        s3_client.create_bucket(Bucket=BUCKET)
        s3_client.create_bucket(Bucket=LAKE)
        s3_client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        night = Night(url, s3_client)
        _load(night)
        _stream(url, patch)
        with night.connect() as connection:
            export(connection, s3_client, LAKE, "run", schema=load_model().lake_schema)
            enforce_retention(connection, "first")
        yield Let(night, postgres_server, lines.getvalue)
    logging.getLogger(logger.name).removeHandler(keeping)


def _load(night: Night) -> None:
    """Two versions of a person, a row and a line that are set aside, and a file whose name is one's."""
    rows = [PERSON, PERSON | {"customer_id": ""}]
    text = write_csv(list(PERSON), rows) + "C9,Canary in too few cells\n"
    night.drop("customers/dt=2024-01-01/zanna-canary.csv", text)
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}))
    night.run("first")
    night.drop("customers/dt=2024-01-02/zanna-canary.csv", write_csv(list(PERSON), [PERSON | {"city": "Rome"}]))
    night.run("second")


def _stream(url: str, patch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC).isoformat()  # /events/recent shows a week
    good = click(customer_id="C1", timestamp=now, session_id="session-canary", properties={"note": "canary"})
    with handler_signed_in(role_url(url, "c360_stream"), patch):
        stream_handler.handle(delivered(good, b'{"customer_id": "C1", "canary": '), lambda_context())


@pytest.fixture(scope="module")
def paths(let: Let) -> list[str]:
    """A path of every route that answers data."""
    app = create_app(settings_for(role_url(let.night.admin_url, "c360_api")))
    contexts = [context for context in iter_route_contexts(app.routes) if "GET" in (context.methods or ())]
    found = []
    for template in {context.path_format or "" for context in contexts}:
        if is_public(template):
            continue
        path = template.replace("{customer_id}", "C1").replace("{run_id}", "second")
        path = path.replace("{panel}/explain", "overview/explain?column=customers").replace("{panel}", "overview")
        path = path.replace("/search", "/search?q=C1")
        assert "{" not in path, f"say here how to fill in {template}"
        found.append(path)
    return sorted(found)


@pytest.mark.parametrize("scopes", ["profile:read", "profile:read,pii:read"])
def test_routes(let: Let, paths: list[str], scopes: str) -> None:
    settings = settings_for(role_url(let.night.admin_url, "c360_api"), api_open_scopes=scopes)
    shown = set()
    with served(create_app(settings)) as client:
        for path in paths:
            answer = answered(client, path)
            assert answer.status_code < 500, path
            if CANARY.search(json.dumps(answer.content)):
                shown.add(path)
    persons = {"/customers", "/customers/C1", *(f"/customers/C1/{part}" for part in ("history", "timeline", "explain"))}
    assert shown == set() if "pii:read" not in scopes else shown >= {*persons, "/events/recent"}


@pytest.mark.parametrize("role", ["c360_bi", "c360_bi_persons"])
def test_views(let: Let, role: str) -> None:
    schema = "masked" if role == "c360_bi" else "business_vault"
    shown = set()
    with psycopg.connect(role_url(let.night.admin_url, role)) as connection:
        views = connection.execute("select viewname from pg_views where schemaname = %s", (schema,)).fetchall()
        for (view,) in views:
            rows = connection.execute(f"select row_to_json(v)::text from {schema}.{view} as v".encode()).fetchall()
            if CANARY.search(str(rows)):
                shown.add(view)
    assert shown == set() if role == "c360_bi" else shown >= {"vw_customer_360", "vw_event", "vw_live_activity"}


def test_files_of_the_lake(let: Let) -> None:
    keys = [item["Key"] for item in let.night.s3.list_objects_v2(Bucket=LAKE)["Contents"]]
    customers = 0
    for key in keys:
        body = let.night.s3.get_object(Bucket=LAKE, Key=key)["Body"].read()
        rows: list[dict[str, Any]] = (
            pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist() if key.endswith(".parquet") else []
        )
        customers += "/customers/" in key and len(rows)
        assert not CANARY.search(str(rows)), key
    assert customers == 1


def test_the_listing_of_quarantine(let: Let) -> None:
    with let.night.connect() as connection:
        hidden = find_rows(connection, RowFilter())["rows"]
        whole = find_rows(connection, RowFilter(persons=True))["rows"]
    assert len(hidden) == len(whole) == 2
    assert not CANARY.search(json.dumps([{**row, "file": "", "key": ""} for row in hidden]))
    assert all(CANARY.search(json.dumps(row)) for row in whole)


def test_the_audit_trail(let: Let) -> None:
    settings = settings_for(role_url(let.night.admin_url, "c360_api"))
    with served(create_app(settings)) as client:
        assert client.get("/customers", params={"email": PERSON["email"], "q": "canary"}).status_code == 200
    recorded = let.night.rows("select content from audit.record")
    assert len(recorded) >= 3
    assert not CANARY.search(str(recorded))


def test_logs(let: Let) -> None:
    """Of the functions, and of the server. Names of files stay in the former: a load that fails must say which."""
    logged = let.logged()
    assert "zanna-canary.csv" in logged, "nothing was logged, so this proves nothing"
    assert not CANARY.search(logged.replace("zanna-canary.csv", ""))
    server = let.server.log.read_text(encoding="utf-8", errors="replace")
    assert "ERROR" in server
    assert not CANARY.search(server)

"""The dashboard in a real Superset, where one is installed, and what it is made of, everywhere."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from dashboards.connection import BiConnection
from dashboards.description import Card, load_dashboard
from dashboards.superset.bundle import CONNECTION_HOST, bundle, chart, chart_uuid, dataset
from functions.model.metrics import Filter
from local import processes
from local.paths import REPOSITORY
from local.servers.superset import Superset
from tests.support import superset_query
from tests.support.bi_figures import figures_of_api, plain, queried

DASHBOARD = load_dashboard()
CARDS = list(DASHBOARD.cards())
SELECTIONS: list[dict[Filter, Any]] = [
    {},
    {"since": "2025-07-01", "until": "2025-09-30"},
    {"segment": ["Gold", "Silver"], "category": ["Books"], "status": ["Completed"]},
]
ENVIRONMENT = REPOSITORY / ".c360" / "superset" / "environment"


def test_the_bundle_has_a_chart_for_each_card_each_in_a_row_that_is_wide_enough() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle(DASHBOARD))) as archive:
        files = {name.partition("/")[2]: yaml.safe_load(archive.read(name)) for name in archive.namelist()}
    charts = {content["uuid"]: content for name, content in files.items() if name.startswith("charts/")}
    datasets = {content["uuid"] for name, content in files.items() if name.startswith("datasets/")}
    assert set(charts) == {chart_uuid(card) for card in CARDS}
    assert {content["dataset_uuid"] for content in charts.values()} == datasets
    position = files["dashboards/customer_360.yaml"]["position"]
    for row in (each for key, each in position.items() if key.startswith("ROW-")):
        assert sum(position[child]["meta"]["width"] for child in row["children"]) <= 12
    assert {each["meta"]["uuid"] for key, each in position.items() if key.startswith("CHART-")} == set(charts)


def test_the_bundle_has_the_filters_of_the_description() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle(DASHBOARD))) as archive:
        declared = yaml.safe_load(archive.read("customer_360_export/dashboards/customer_360.yaml"))["metadata"]
        datasets = {
            content["uuid"]: {column["column_name"] for column in content["columns"]}
            for name in archive.namelist()
            if "/datasets/" in name
            for content in [yaml.safe_load(archive.read(name))]
        }
    days, *lists = declared["native_filter_configuration"]
    assert (days["filterType"], [each["name"] for each in lists]) == (
        "filter_time",
        [each.title for each in DASHBOARD.filters.values() if each.values_of],
    )
    for [target] in (each["targets"] for each in lists):
        assert target["column"]["name"] in datasets[target["datasetUuid"]]


@pytest.mark.parametrize("values", SELECTIONS, ids=str)
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_charts_data_are_the_apis(
    as_bi: psycopg.Connection, api: httpx.Client, card: Card, values: dict[Filter, Any]
) -> None:
    query, given = superset_query.substituted(card, values)
    assert plain(queried(as_bi, query, given)) == figures_of_api(api, card, values)
    assert chart(card)["dataset_uuid"] == dataset(card)["uuid"]


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory, bi: BiConnection) -> Iterator[httpx.Client]:
    """A client of a real Superset, signed in as its administrator."""
    folder: Path = tmp_path_factory.mktemp("superset")
    server = Superset(folder, processes.free_port(), folder / "superset.log", ENVIRONMENT)
    if not server.is_installed():
        pytest.skip("Superset is not installed here: c360 superset up installs it")
    server.up(bundle(DASHBOARD), (CONNECTION_HOST, bi.url), print)
    try:
        with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
            name, password = server.user
            body = {"username": name, "password": password, "provider": "db", "refresh": False}
            token = client.post("/api/v1/security/login", json=body).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client
    finally:
        server.down()


@pytest.mark.timeout(1200)
def test_every_chart_of_a_real_superset_shows_the_apis_figures(superset: httpx.Client, api: httpx.Client) -> None:
    found = superset.get("/api/v1/dashboard/customer-360/charts").json()["result"]
    listed = superset.get("/api/v1/chart/", params={"q": "(page_size:100)"}).json()["result"]
    by_uuid = {each["uuid"]: each["id"] for each in listed}
    assert len(found) == len(CARDS)
    for card in CARDS:
        answer = superset.get(f"/api/v1/chart/{by_uuid[chart_uuid(card)]}/data/")
        assert answer.status_code == 200, answer.text
        [result] = answer.json()["result"]
        assert _summed(result["data"], card) == _summed(figures_of_api(api, card), card), card.name


def _summed(rows: list[dict[str, Any]], card: Card) -> list[list[Any]]:
    """By label, since Superset sums what has the same; of tables the rows are counted."""
    if card.chart in ("table", "scatter"):
        return [[len(rows)]]
    sums: dict[tuple[str, ...], list[Decimal]] = {}
    for row in rows:
        key = tuple(_label(row[name]) for name in card.label)
        drawn = [Decimal(str(row[name])) if row[name] is not None else Decimal(0) for name in card.values]
        sums[key] = [a + b for a, b in zip(sums.get(key, [Decimal(0)] * len(drawn)), drawn, strict=True)]
    return sorted([*key, *(f"{round(value, 6).normalize():f}" for value in values)] for key, values in sums.items())


def _label(value: Any) -> str:
    """Superset answers days as milliseconds since 1970."""
    if isinstance(value, int | float) and value > 10**11:
        return datetime.fromtimestamp(value / 1000, UTC).date().isoformat()
    return str(value)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("values", SELECTIONS[1:], ids=str)
def test_the_filters_of_a_real_superset_are_the_apis(
    superset: httpx.Client, api: httpx.Client, values: dict[Filter, Any]
) -> None:
    listed = superset.get("/api/v1/chart/", params={"q": "(page_size:100)"}).json()["result"]
    by_uuid = {each["uuid"]: each["id"] for each in listed}
    for card in CARDS:
        chart_id = by_uuid[chart_uuid(card)]
        context = json.loads(superset.get(f"/api/v1/chart/{chart_id}").json()["result"]["query_context"])
        body = superset_query.payload(context, context["datasource"]["id"], values)
        answer = superset.post("/api/v1/chart/data", json=body)
        assert answer.status_code == 200, answer.text
        [result] = answer.json()["result"]
        assert _summed(result["data"], card) == _summed(figures_of_api(api, card, values), card), card.name

"""Every figure of the metric layer against plain Python over the CSVs, in zones that change their clocks."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

from functions.api.app import create_app
from functions.load.marts.rebuild import rebuild
from functions.load.schema.migrate import migrate
from functions.model.metrics import load_metrics
from local.servers.postgres import PostgresServer
from tests.support import clock_changes, night, night_files, oracle
from tests.support.database import fresh_database
from tests.support.metric_oracle import Filters, Oracle
from tests.support.served_api import served, settings_for

# clocks that change by an hour at night, by half an hour, and at midnight, so that a day begins at one o'clock
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]
LAYER = load_metrics()
STILL = [metric for metric in LAYER.metrics.values() if not metric.live]
SELECTIONS = [
    Filters(),
    Filters(since=date(2025, 10, 26), until=date(2025, 10, 26)),
    Filters(since=date(2025, 4, 25), until=date(2025, 11, 2)),
    Filters(until=date(2025, 10, 30), segment=("Gold", ""), status=("Completed", "")),
    Filters(state=("Berlin",), category=("Books", "")),
    Filters(since=date(2025, 7, 1), category=("Home",), status=("Pending",)),
    Filters(since=date(2030, 1, 1), segment=("nobody",)),
]


NIGHTS = [*night_files.nights(), [(f"transactions/dt={night_files.DAY_2}/z.csv", clock_changes.orders())]]
MARTS = oracle.marts(file for files in NIGHTS for file in files)


@pytest.fixture(scope="module")
def loaded(postgres_server: PostgresServer) -> Iterator[str]:
    """A database that has loaded these nights."""
    with fresh_database(postgres_server) as url:
        night.load_nights(url, NIGHTS)
        yield url


@pytest.fixture(scope="module", params=ZONES)
def zoned(loaded: str, request: pytest.FixtureRequest) -> Iterator[tuple[httpx.Client, Oracle]]:
    """The API after a publication in the zone, and what it must say."""
    zone: str = request.param
    with psycopg.connect(loaded) as connection:
        migrate(connection, {}, layer=LAYER.model_copy(update={"time_zone": zone}))
    with psycopg.connect(night.role_url(loaded, "c360_loader")) as connection:
        rebuild(connection)
        [today] = connection.execute("select anchor from business_vault.mart_anchor").fetchone() or (None,)
    with served(create_app(settings_for(night.role_url(loaded, "c360_api")))) as client:
        yield client, Oracle(MARTS, ZoneInfo(zone), today)


def _get(client: httpx.Client, path: str, query: list[tuple[str, str]]) -> Any:
    answer = client.get(path, params=httpx.QueryParams(tuple(query)))
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal)


@pytest.mark.parametrize("filters", SELECTIONS, ids=lambda filters: "&".join(map("=".join, filters.query())))
def test_every_figure_is_what_plain_python_computes(zoned: tuple[httpx.Client, Oracle], filters: Filters) -> None:
    client, expected = zoned
    panels = _get(client, "/metrics", filters.query())["panels"]
    for name, figures in expected.figures(filters).items():
        answer = panels[name] if LAYER.metrics[name].shape == "object" else panels[name]["items"]
        if name == "rfm":
            answer, figures = (sorted(map(str, map(sorted, map(dict.items, each)))) for each in (answer, figures))
        assert answer == figures, name


def test_the_oracle_knows_every_figure_that_does_not_live() -> None:
    expected = Oracle(MARTS, ZoneInfo("UTC"), date(2026, 1, 1))
    assert set(expected.figures(Filters())) == {metric.name for metric in STILL}


def test_all_panels_are_what_each_panel_is(zoned: tuple[httpx.Client, Oracle]) -> None:
    client, _ = zoned
    query = SELECTIONS[3].query()
    panels = _get(client, "/metrics", query)["panels"]
    for metric in STILL:
        assert _get(client, f"/metrics/{metric.name}", query) == panels[metric.name]


def test_the_views_of_bi_tools_are_the_figures_without_filters(zoned: tuple[httpx.Client, Oracle], loaded: str) -> None:
    client, _ = zoned
    panels = _get(client, "/metrics", [])["panels"]
    for role in ("c360_bi", "c360_bi_persons"):
        with psycopg.connect(night.role_url(loaded, role)) as connection:
            for metric in STILL:
                rows = connection.execute(f"select row_to_json(v)::text from {metric.view} as v".encode()).fetchall()
                items = [json.loads(row, parse_float=Decimal) for (row,) in rows]
                assert items == ([panels[metric.name]] if metric.shape == "object" else panels[metric.name]["items"]), (
                    metric.name
                )


def test_days_that_a_reader_filters_by_are_days_that_figures_are_grouped_by(zoned: tuple[httpx.Client, Oracle]) -> None:
    client, _ = zoned
    days = _get(client, "/metrics/revenue-by-day", [])["items"]
    assert {"2025-10-26", "2025-11-02"} <= {each["day"] for each in days}
    for each in days[:: len(days) // 12]:
        one = _get(client, "/metrics/overview", [("since", each["day"]), ("until", each["day"])])
        assert (one["orders"], one["revenue"]) == (each["orders"], each["revenue"])
    csv = client.get("/metrics/revenue-by-day/csv").text.removeprefix("\ufeff").splitlines()
    assert [line.split(",")[0] for line in csv[1:]] == [each["day"] for each in days]

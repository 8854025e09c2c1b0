"""`c360 metabase provision` against a server that holds Metabase's schemas and really runs the cards' queries."""

import json
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from dashboards.connection import BiConnection
from dashboards.description import Card, load_dashboard
from dashboards.metabase.client import VERSION, Metabase, MetabaseError
from dashboards.metabase.content import card_body, entity_id, native_query, parameter_id
from dashboards.metabase.provision import Provisioned, provision
from functions.model.metrics import Filter
from local.paths import REPOSITORY
from tests.support import metabase_schemas
from tests.support.bi_figures import figures_of_api, plain, queried
from tests.support.metabase_server import FakeMetabase, run_card, substituted

DASHBOARD = load_dashboard()
CARDS = list(DASHBOARD.cards())
EMAIL, PASSWORD = "admin@example.com", "correct-horse-7"
SELECTIONS: list[dict[Filter, Any]] = [
    {},
    {"since": "2025-07-01", "until": "2025-09-30"},
    {"segment": "Gold", "status": "Completed"},
    {"segment": ["Gold", "Silver"], "category": "Books", "state": "Berlin"},
]


def _provision(server: FakeMetabase, bi: BiConnection) -> Provisioned:
    with Metabase(server.url) as metabase:
        metabase.wait(10, print)
        metabase.sign_in(EMAIL, PASSWORD, DASHBOARD.title)
        return provision(
            metabase, DASHBOARD, bi, explain_url="http://127.0.0.1:8000/dashboard", public_link=True, progress=print
        )


def _dashboard(server: FakeMetabase) -> dict[str, Any]:
    [dashboard] = server.dashboards.values()
    return dashboard


def test_a_fresh_metabase_gets_everything(metabase: FakeMetabase, bi: BiConnection) -> None:
    metabase.unhealthy_answers = 1
    made = _provision(metabase, bi)
    assert (made.cards_created, made.cards_updated) == (len(CARDS), 0)
    assert metabase.users == {EMAIL: PASSWORD}
    [database] = metabase.databases.values()
    assert database["details"]["user"] == "c360_bi"
    assert {card["entity_id"] for card in metabase.cards.values()} == {entity_id(card) for card in CARDS}
    dashboard = _dashboard(metabase)
    assert made.dashboard_url == f"{metabase.url}/dashboard/{dashboard['id']}#refresh=60"
    assert made.public_url == f"{metabase.url}/public/dashboard/{dashboard['public_uuid']}#refresh=60"
    assert [tab["name"] for tab in dashboard["tabs"]] == [tab.title for tab in DASHBOARD.tabs]
    assert [each["slug"] for each in dashboard["parameters"]] == list(DASHBOARD.filters)


def test_one_release_is_run_written_for_and_held_by_these_tests() -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.localstack.yml").read_text(encoding="utf-8"))
    image = compose["services"]["metabase"]["image"].partition("@")[0]
    assert image.rpartition(":")[2] == VERSION == metabase_schemas.VERSION


def test_another_release_is_named(metabase: FakeMetabase, bi: BiConnection) -> None:
    said: list[str] = []
    metabase.release = "v0.99.1"
    with Metabase(metabase.url) as client:
        client.sign_in(EMAIL, PASSWORD, DASHBOARD.title)
        provision(client, DASHBOARD, bi, explain_url=None, public_link=False, progress=said.append)
    assert said[0] == f"this Metabase is v0.99.1; what is sent to it is written for {VERSION}"


def test_cards_stand_where_they_are_declared_and_filters_reach_them(metabase: FakeMetabase, bi: BiConnection) -> None:
    _provision(metabase, bi)
    dashboard = _dashboard(metabase)
    tabs = {tab["id"]: tab["name"] for tab in dashboard["tabs"]}
    placed = {metabase.cards[each["card_id"]]["entity_id"]: each for each in dashboard["dashcards"]}
    for tab in DASHBOARD.tabs:
        for card in tab.cards:
            each = placed[entity_id(card)]
            assert tabs[each["dashboard_tab_id"]] == tab.title
            place = (each["col"], each["row"], each["size_x"], each["size_y"])
            assert place == (card.at.column, card.at.row, card.at.width, card.at.height)
            tags = metabase.cards[each["card_id"]]["dataset_query"]["native"]["template-tags"]
            mapped = {m["target"][1][1]: m["parameter_id"] for m in each["parameter_mappings"]}
            assert mapped == {name: parameter_id(name) for name in card.metric.filters}
            assert set(mapped) <= set(tags)


def test_a_click_filters_or_leads_to_the_rows_behind(metabase: FakeMetabase, bi: BiConnection) -> None:
    _provision(metabase, bi)
    placed = {metabase.cards[each["card_id"]]["entity_id"]: each for each in _dashboard(metabase)["dashcards"]}
    donut = placed[entity_id(DASHBOARD.card("orders-by-status"))]["visualization_settings"]["click_behavior"]
    assert donut["type"] == "crossfilter"
    [mapping] = donut["parameterMapping"].values()
    assert mapping["source"] == {"type": "column", "id": "order_status", "name": "Status"}
    assert mapping["target"] == {"type": "parameter", "id": parameter_id("status")}
    line = placed[entity_id(DASHBOARD.card("revenue-by-day"))]["visualization_settings"]["click_behavior"]
    assert line["linkTemplate"] == ("http://127.0.0.1:8000/dashboard?explain=revenue-by-day%2Frevenue&at=day%3D{{day}}")


def test_a_second_run_makes_nothing_and_keeps_all_ids(metabase: FakeMetabase, bi: BiConnection) -> None:
    first = _provision(metabase, bi)
    before = json.dumps([metabase.cards, metabase.collections, metabase.databases], default=str)
    dashcards = {each["card_id"]: each["id"] for each in _dashboard(metabase)["dashcards"]}
    tabs = _dashboard(metabase)["tabs"]
    metabase.requests.clear()
    again = _provision(metabase, bi)
    assert (again.cards_created, again.cards_updated) == (0, len(CARDS))
    assert (again.dashboard_url, again.public_url) == (first.dashboard_url, first.public_url)
    changed = json.loads(json.dumps([metabase.cards, metabase.collections, metabase.databases], default=str))
    assert changed == json.loads(before)
    assert {each["card_id"]: each["id"] for each in _dashboard(metabase)["dashcards"]} == dashcards
    assert _dashboard(metabase)["tabs"] == tabs
    assert not {"POST card", "POST dashboard", "POST collection", "POST database"} & set(metabase.requests)


def test_what_people_made_stays_and_what_is_ours_comes_back(metabase: FakeMetabase, bi: BiConnection) -> None:
    _provision(metabase, bi)
    dashboard = _dashboard(metabase)
    [collection_id], [database_id] = metabase.collections, metabase.databases
    theirs = card_body(DASHBOARD.card("orders"), database_id, collection_id) | {"name": "Somebody's"}
    with Metabase(metabase.url) as person:
        person.sign_in(EMAIL, PASSWORD, "")
        card_id = person.post("card", theirs)["id"]
        other = person.post("dashboard", {"name": DASHBOARD.title, "collection_id": collection_id})["id"]
        tabs = [{key: tab[key] for key in ("id", "name")} for tab in dashboard["tabs"]]
        sent = ("id", "card_id", "col", "row", "size_x", "size_y", "dashboard_tab_id", "parameter_mappings")
        cards = [{key: each[key] for key in sent} for each in dashboard["dashcards"]]
        removed, moved = cards.pop(), cards[0] | {"row": 99}
        mine = {"id": -1, "card_id": card_id, "col": 0, "row": 90, "size_x": 4, "size_y": 4, "dashboard_tab_id": -9}
        text = {"id": -2, "col": 0, "row": 95, "size_x": 4, "size_y": 1, "dashboard_tab_id": tabs[0]["id"],
                "visualization_settings": {"text": "Note", "virtual_card": {"display": "text"}}}  # fmt: skip
        person.put(
            f"dashboard/{dashboard['id']}",
            {
                "tabs": [*tabs, {"id": -9, "name": "Mine"}],
                "dashcards": [moved, *cards[1:], mine, text],
                "parameters": [*dashboard["parameters"], {"id": "aaaaaaaa", "type": "string/=", "name": "Mine"}],
            },
        )
        ours = next(each for each in metabase.cards.values() if each["entity_id"] == entity_id(CARDS[1]))
        person.put(f"card/{ours['id']}", {"name": "Renamed", "archived": True})
    _provision(metabase, bi)
    assert metabase.cards[card_id]["name"] == "Somebody's"
    assert metabase.dashboards[other]["dashcards"] == []
    dashboard = metabase.dashboards[dashboard["id"]]
    kept = {each["row"]: each for each in dashboard["dashcards"] if each["row"] in (90, 95)}
    assert kept[90]["card_id"] == card_id
    assert kept[95]["visualization_settings"]["text"] == "Note"
    names = {tab["id"]: tab["name"] for tab in dashboard["tabs"]}
    assert names[kept[90]["dashboard_tab_id"]] == "Mine"
    assert [each["name"] for each in dashboard["parameters"]][-1] == "Mine"
    assert {removed["card_id"], moved["card_id"]} <= {each["card_id"] for each in dashboard["dashcards"]}
    assert not [each for each in dashboard["dashcards"] if each["row"] == 99]
    assert (ours["name"], ours["archived"]) == (CARDS[1].title, False)


def test_a_refusal_says_what_metabase_said(metabase: FakeMetabase, bi: BiConnection) -> None:
    wrong = BiConnection(bi.host, bi.port, bi.name, bi.user, "wrong")
    with pytest.raises(MetabaseError, match=r"POST /api/database \(400\): .*credentials are incorrect"):
        _provision(metabase, wrong)
    with Metabase(metabase.url) as client, pytest.raises(MetabaseError, match="did not match stored password"):
        client.sign_in(EMAIL, "another-1", "")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("card", {"name": "x", "display": "table", "visualization_settings": {}}),
        ("card", {"name": "x", "display": "table", "visualization_settings": {}, "dataset_query": {}, "made_by": "me"}),
        ("dashboard", {"name": "x", "dashcards": []}),
        ("collection", {"name": ""}),
        ("database", {"name": "x", "engine": "postgres", "details": {"host": "h"}}),
    ],
)
def test_the_server_of_these_tests_is_strict(metabase: FakeMetabase, path: str, body: dict[str, Any]) -> None:
    with Metabase(metabase.url) as client:
        client.sign_in(EMAIL, PASSWORD, "x")
        with pytest.raises(MetabaseError, match=r"\(400\)"):
            client.post(path, body)


@pytest.mark.parametrize("values", SELECTIONS, ids=str)
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_cards_figures_are_the_apis(
    as_bi: psycopg.Connection, api: httpx.Client, card: Card, values: dict[Filter, Any]
) -> None:
    query, given = substituted(native_query(card), values)
    assert plain(queried(as_bi, query, given)) == figures_of_api(api, card, values)


def test_a_card_with_filters_answers_through_metabase(metabase: FakeMetabase, bi: BiConnection) -> None:
    _provision(metabase, bi)
    card = next(each for each in metabase.cards.values() if each["entity_id"] == entity_id(DASHBOARD.card("orders")))
    [[everything]] = run_card(metabase, card, {})["data"]["rows"]
    [[some]] = run_card(metabase, card, {"status": "Completed"})["data"]["rows"]
    assert 0 < some < everything

"""QuickSight's data sets on the real database: their SQL, with parameters put in as QuickSight does."""

from typing import Any

import httpx
import psycopg
import pytest

from dashboards.description import Card, load_dashboard
from dashboards.quicksight.definition import EVERYTHING
from functions.model.metrics import Filter
from tests.support.bi_figures import figures_of_api, plain, queried
from tests.support.quicksight_query import defaults_of, substituted

CARDS = list(load_dashboard().cards())
SELECTIONS: list[dict[Filter, Any]] = [
    {},
    {"since": "2025-07-01", "until": "2025-09-30"},
    {"segment": ["Gold", "Silver"], "category": ["Books"], "status": ["Completed"]},
]


@pytest.mark.parametrize("values", SELECTIONS, ids=str)
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_data_sets_figures_are_the_apis(
    as_bi: psycopg.Connection, api: httpx.Client, card: Card, values: dict[Filter, Any]
) -> None:
    query, given = substituted(card, values)
    rows = [{name: row[name] for name in card.shown} for row in queried(as_bi, query, given)]
    assert plain(rows) == figures_of_api(api, card, values)


def test_nothing_chosen_is_what_stands_for_everything() -> None:
    defaults = defaults_of("overview")
    assert (defaults.pop("since"), defaults.pop("until")) == (["1900-01-01T00:00:00Z"], ["2999-12-31T00:00:00Z"])
    assert set(defaults) == {"segment", "state", "category", "status"}
    assert all(value == [EVERYTHING] for value in defaults.values())

"""QuickSight's data sets on the real database: their SQL, with parameters put in as QuickSight does."""

import re
from typing import Any

import httpx
import psycopg
import pytest

from dashboards.description import Card, load_dashboard
from dashboards.quicksight.definition import EVERYTHING, data_set, data_set_sql
from functions.model.metrics import Filter, load_metrics
from tests.support.bi_figures import figures_of_api, plain, queried

CARDS = list(load_dashboard().cards())
SELECTIONS: list[dict[Filter, Any]] = [
    {},
    {"since": "2025-07-01", "until": "2025-09-30"},
    {"segment": ["Gold", "Silver"], "category": ["Books"], "status": ["Completed"]},
]


def _defaults(metric_name: str) -> dict[str, list[str]]:
    """What the data set's parameters hold when nobody has chosen anything."""
    declared = data_set(load_metrics().metrics[metric_name], "arn").get("DatasetParameters", [])
    parameters = [next(iter(each.values())) for each in declared]
    return {each["Name"]: each["DefaultValues"]["StaticValues"] for each in parameters}


def _asked(card: Card, values: dict[Filter, Any]) -> tuple[str, dict[str, Any]]:
    chosen = _defaults(card.metric.name) | {
        name: value if isinstance(value, list) else [value] for name, value in values.items()
    }
    given: dict[str, Any] = {}

    def put_in(found: re.Match[str]) -> str:
        names = [f"{found[1]}_{number}" for number, _ in enumerate(chosen[found[1]])]
        given.update(zip(names, chosen[found[1]], strict=True))
        return ", ".join(f"%({name})s" for name in names)

    return re.sub(r"<<\$(\w+)>>", put_in, data_set_sql(card.metric).replace("%", "%%")), given


@pytest.mark.parametrize("values", SELECTIONS, ids=str)
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_data_sets_figures_are_the_apis(
    as_bi: psycopg.Connection, api: httpx.Client, card: Card, values: dict[Filter, Any]
) -> None:
    query, given = _asked(card, values)
    rows = [{name: row[name] for name in card.shown} for row in queried(as_bi, query, given)]
    assert plain(rows) == figures_of_api(api, card, values)


def test_nothing_chosen_is_what_stands_for_everything() -> None:
    defaults = _defaults("overview")
    assert (defaults.pop("since"), defaults.pop("until")) == (["1900-01-01T00:00:00Z"], ["2999-12-31T00:00:00Z"])
    assert set(defaults) == {"segment", "state", "category", "status"}
    assert all(value == [EVERYTHING] for value in defaults.values())

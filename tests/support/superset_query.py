"""A data set's SQL as Superset sends it: what is chosen put into the templates, whose forms these tests know."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from dashboards.description import Card
from dashboards.superset.bundle import filtered_column, query_template
from functions.model.metrics import Filter

LISTS: tuple[Filter, ...] = ("segment", "state", "category", "status")
_LIST = re.compile(
    r"\{% if filter_values\('(\w+)', remove_filter=True\) %\}array\[.*?\]\{% else %\}null\{% endif %\}", re.DOTALL
)
_DAY = re.compile(r"\{\{ days\.(from|to)_expr or 'null' \}\}")


def substituted(card: Card, values: Mapping[Any, Any]) -> tuple[str, dict[str, Any]]:
    """The query and its parameters under these filters."""
    chosen = {filtered_column(name): values.get(name) for name in LISTS}
    given: dict[str, Any] = {"from": values.get("since"), "to": None}
    if "until" in values:  # people choose the day after the last
        given["to"] = (date.fromisoformat(values["until"]) + timedelta(1)).isoformat()

    def listed(found: re.Match[str]) -> str:
        value = chosen[found[1]]
        given[found[1]] = [value] if isinstance(value, str) else value
        return f"%({found[1]})s"

    query = query_template(card).partition("%}")[2] if card.metric.filters else query_template(card)
    query = _DAY.sub(lambda found: f"%({found[1]})s", _LIST.sub(listed, query))
    assert "{" not in query, query
    return query, given


def payload(context: dict[str, Any], datasource: int, values: Mapping[Any, Any]) -> dict[str, Any]:
    """A chart's query as Superset's dashboard posts it under these filters."""
    [query] = context["queries"]
    filters = [
        {"col": filtered_column(name), "op": "IN", "val": value if isinstance(value, list) else [value]}
        for name, value in values.items()
        if name in LISTS
    ]
    until = date.fromisoformat(values["until"]) + timedelta(1) if "until" in values else ""
    days = {"time_range": f"{values.get('since', '')} : {until}"} if {"since", "until"} & values.keys() else {}
    asked = query | {"filters": filters} | days
    return context | {"datasource": {"id": datasource, "type": "table"}, "queries": [asked], "force": True}

"""The description as Metabase's API takes it: cards with native queries, and a dashboard with tabs and filters."""

import uuid
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from psycopg import sql

from dashboards.description import BiDashboard, Card, load_dashboard
from functions.model.metrics import FILTERS, Column, Filter, Type, load_metrics

type Json = dict[str, Any]

_IDS = uuid.UUID("5f0b6f2a-3c60-4c36-8d36-0c360c360c36")
_DISPLAY = {
    "number": "scalar", "donut": "pie", "bar": "row", "column": "bar", "line": "line", "scatter": "scatter",
    "table": "table", "grid": "table",
}  # fmt: skip
_BASE_TYPES: dict[Type, str] = {
    "text": "type/Text", "integer": "type/BigInteger", "amount": "type/Decimal", "ratio": "type/Decimal",
    "number": "type/Decimal", "date": "type/Date", "instant": "type/DateTimeWithTZ",
}  # fmt: skip
# nothing is left of an optional clause whose filter is not set, and the null that stays is no filter
_DAY = "coalesce([[{{%s}},]] null)::date"
_LIST = "coalesce([[array[{{%s}}],]] null)::text []"


def entity_id(card: Card) -> str:
    """Metabase's own id of the card, by which ours are known: the same 21 characters in every installation."""
    return urlsafe_b64encode(sha256(f"c360/card/{card.name}".encode()).digest()).decode()[:21]


def parameter_id(name: Filter) -> str:
    """The id of a filter on the dashboard: eight hexadecimal digits, as Metabase makes them."""
    return uuid.uuid5(_IDS, f"parameter/{name}").hex[:8]


def native_query(card: Card) -> str:
    """The card's SQL with Metabase's variables in the places of the filters."""
    places = (_DAY if name in ("since", "until") else _LIST for name in FILTERS)
    arguments = ", ".join(place % name for place, name in zip(places, FILTERS, strict=True))
    return card.query(sql.SQL(arguments)).as_string()


def card_body(card: Card, database_id: int, collection_id: int) -> Json:
    """What a card is, for POST and PUT alike; a new one also takes its `entity_id`."""
    tags = {
        name: {
            "id": str(uuid.uuid5(_IDS, f"{card.name}/{name}")),
            "name": name,
            "display-name": load_dashboard().filters[name].title,
            "type": "date" if name in ("since", "until") else "text",
        }
        for name in (FILTERS if card.metric.filters else ())
    }
    return {
        "name": card.title,
        "description": card.metric.description,
        "collection_id": collection_id,
        "display": _DISPLAY[card.chart],
        "dataset_query": {
            "database": database_id,
            "type": "native",
            "native": {"query": native_query(card), "template-tags": tags},
        },
        "parameters": [
            {
                "id": tag["id"],
                "name": tag["display-name"],
                "slug": name,
                "type": _parameter_type(name),
                "target": ["variable", ["template-tag", name]],
            }
            for name, tag in tags.items()
        ],
        "visualization_settings": _settings(card),
    }


def parameters(dashboard: BiDashboard, card_ids: dict[str, int]) -> list[Json]:
    """The dashboard's filters. `card_ids`: Metabase's ids of our cards by name."""
    return [
        {
            "id": parameter_id(name),
            "name": declared.title,
            "slug": name,
            "type": _parameter_type(name),
            "sectionId": "date" if declared.values_of is None else "string",
        }
        | _values(dashboard, declared.values_of, card_ids)
        for name, declared in dashboard.filters.items()
    ]


def dashcard(card: Card, card_id: int, explain_url: str | None) -> Json:
    """Where a card stands, which filters reach it, and what a click does, but for the ids of dashcard and tab.

    `explain_url`: the built-in dashboard; None where nobody could open it, and then such clicks do nothing.
    """
    return {
        "card_id": card_id,
        "col": card.at.column,
        "row": card.at.row,
        "size_x": card.at.width,
        "size_y": card.at.height,
        "series": [],
        "parameter_mappings": [
            {
                "parameter_id": parameter_id(name),
                "card_id": card_id,
                "target": ["variable", ["template-tag", name]],
            }
            for name in card.metric.filters
        ],
        "visualization_settings": _click(card, explain_url),
    }


def _parameter_type(name: Filter) -> str:
    return "date/single" if name in ("since", "until") else "string/="


def _values(dashboard: BiDashboard, values_of: str | None, card_ids: dict[str, int]) -> Json:
    if values_of is None:
        return {}
    field = ["field", dashboard.card(values_of).label[0], {"base-type": _BASE_TYPES["text"]}]
    return {
        "values_query_type": "list",
        "values_source_type": "card",
        "values_source_config": {"card_id": card_ids[values_of], "value_field": field},
    }


def _settings(card: Card) -> Json:
    labels, values = list(card.label), list(card.values)
    columns = {f'["name","{name}"]': _column_settings(card.column(name)) for name in card.shown}
    match card.chart:
        case "number":
            chart: Json = {"scalar.field": values[0]}
        case "donut":
            chart = {"pie.dimension": labels, "pie.metric": values[0], "pie.show_legend": True}
        case "scatter":
            chart = {"graph.dimensions": labels, "graph.metrics": values} | (
                {"scatter.bubble": card.size} if card.size else {}
            )
        case "grid":
            tints = ["hsla(208, 72%, 60%, 0)", "hsla(208, 72%, 60%, 1)"]
            tint = {"columns": values, "type": "range", "colors": tints, "min_type": None, "max_type": None}
            chart = {
                "table.pivot": True,
                "table.pivot_column": labels[1],
                "table.cell_column": values[0],
                "table.column_formatting": [tint],
            }
        case "table":
            chart = {"table.pivot": False, "table.columns": [{"name": n, "enabled": True} for n in card.shown]}
        case "bar" | "column" | "line":
            chart = {"graph.dimensions": labels, "graph.metrics": values}
    return chart | {"column_settings": columns}


def _column_settings(column: Column) -> Json:
    settings: Json = {"column_title": column.title}
    match column.unit:
        case "currency":
            settings |= {"number_style": "currency", "currency": load_metrics().currency, "decimals": 2}
        case "share" | "change":
            settings |= {"number_style": "percent", "decimals": 1}
    return settings


def _click(card: Card, explain_url: str | None) -> Json:
    if card.click == "filter" and card.clicked_filter:
        target = parameter_id(card.clicked_filter)
        label = card.label[0]
        mapping = {
            "id": target,
            "source": {"type": "column", "id": label, "name": card.column(label).title},
            "target": {"type": "parameter", "id": target},
        }
        return {"click_behavior": {"type": "crossfilter", "parameterMapping": {target: mapping}}}
    if card.click == "explain" and explain_url:
        explained = card.values[0] if card.values else [n for n in card.shown if card.column(n).adds][-1]
        # Metabase puts the clicked row's value in the place of {{column}}
        marks = quote("&", safe="").join(f"{quote(f'{name}=', safe='')}{{{{{name}}}}}" for name in card.metric.grain)
        link = f"{explain_url}?explain={quote(f'{card.metric.name}/{explained}', safe='')}&at={marks}"
        behavior = {"type": "link", "linkType": "url", "linkTemplate": link}
        if card.chart != "table":
            return {"click_behavior": behavior}
        return {"column_settings": {f'["name","{card.label[0]}"]': {"click_behavior": behavior}}}
    return {}

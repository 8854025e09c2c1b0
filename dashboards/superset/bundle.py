"""The description as a bundle of assets that Superset imports: YAML files in a ZIP, known by fixed uuids."""

import io
import json
import uuid
import zipfile
from itertools import groupby
from typing import Any

import yaml
from psycopg import sql

from dashboards.description import BiDashboard, Card, load_dashboard
from functions.model.metrics import FILTERS, Filter, Type

type Json = dict[str, Any]

_IDS = uuid.UUID("5f0b6f2a-3c60-4c36-8d36-0c360c360c37")
CONNECTION_HOST = "customer-360"
"""Stands for the database, whose address and password Superset's configuration has: importing changes no connection."""

_VERSION = "1.0.0"
_GRID_COLUMNS = 12
_HEIGHT_OF_A_ROW = 6
"""In Superset's units of eight pixels."""
_ROW_LIMIT = 10_000
_TYPES: dict[Type, str] = {
    "text": "TEXT", "integer": "BIGINT", "amount": "NUMERIC", "ratio": "NUMERIC", "number": "NUMERIC", "date": "DATE",
    "instant": "TIMESTAMP WITH TIME ZONE",
}  # fmt: skip

# Superset puts what is chosen into these templates; `remove_filter` keeps it from filtering the query's rows once more
_DAYS = "{% set days = get_time_filter(target_type='DATE', remove_filter=True) %}"
_DAY: dict[Filter, str] = {
    "since": "({{ days.from_expr or 'null' }})::date",
    "until": "({{ days.to_expr or 'null' }})::date - 1",  # Superset's last day is not included
}
_LIST = (
    "{%% if filter_values('%(column)s', remove_filter=True) %%}"
    "array[{%% for each in filter_values('%(column)s') %%}coalesce({{ [each]|where_in }}, '')"
    "{%% if not loop.last %%}, {%% endif %%}{%% endfor %%}]"
    "{%% else %%}null{%% endif %%}::text []"
)

_FORMATS: dict[Type, str] = {"integer": ",d", "amount": ",.2f", "ratio": ",.1%", "number": ",.1f"}
"""In d3's words."""


def bundle(dashboard: BiDashboard) -> bytes:
    """The ZIP: the connection by its name, a data set and a chart for each card, and the dashboard."""
    name = "customer_360"
    database = {
        "database_name": "Customer 360 (read only)",
        "sqlalchemy_uri": f"postgresql://{CONNECTION_HOST}/c360",
        "allow_dml": False,
        "expose_in_sqllab": True,
        "extra": {},
        "uuid": _uuid("database"),
        "version": _VERSION,
    }
    files: dict[str, Json] = {"metadata.yaml": {"version": _VERSION, "type": "assets"}}
    files[f"databases/{name}.yaml"] = database
    for card in dashboard.cards():
        files[f"datasets/{name}/{card.name}.yaml"] = dataset(card)
        files[f"charts/{card.name}.yaml"] = chart(card)
    files[f"dashboards/{name}.yaml"] = {
        "dashboard_title": dashboard.title,
        "description": dashboard.description,
        "slug": "customer-360",
        "uuid": _uuid("dashboard"),
        "position": _position(dashboard),
        "metadata": {
            "refresh_frequency": dashboard.refresh_seconds,
            "native_filter_configuration": _filters(dashboard),
        },
        "published": True,
        "version": _VERSION,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(f"customer_360_export/{path}", yaml.safe_dump(content, allow_unicode=True))
    return packed.getvalue()


def dataset(card: Card) -> Json:
    """A virtual data set whose SQL is the card's."""
    columns = [(name, card.column(name)) for name in card.shown]
    return {
        "table_name": f"c360 {card.name}",
        "description": card.metric.description,
        "sql": query_template(card),
        "uuid": _uuid(f"dataset/{card.name}"),
        "database_uuid": _uuid("database"),
        "columns": [
            {
                "column_name": name,
                "verbose_name": column.title,
                "description": column.description,
                "type": _TYPES[column.type],
                "is_dttm": column.type in ("date", "instant"),
                "groupby": True,
                "filterable": True,
            }
            for name, column in columns
        ],
        "metrics": [],
        "version": _VERSION,
    }


def query_template(card: Card) -> str:
    """The card's SQL with Superset's templates in the places of the filters."""
    if not card.metric.filters:
        return card.query().as_string()
    places = (_DAY.get(name) or _LIST % {"column": filtered_column(name)} for name in FILTERS)
    query = card.query(sql.SQL(", ".join(places))).as_string()
    # Superset writes a function's name in capitals, in quotes too
    function = sql.Identifier("business_vault", card.metric.relation).as_string()
    return _DAYS + query.replace(function, f"business_vault.{card.metric.relation}", 1)


def filtered_column(name: Filter) -> str:
    """The column by whose name Superset knows a filter: that of the card which lists its values."""
    dashboard = load_dashboard()
    return dashboard.card(dashboard.filters[name].values_of or "").label[0]


def chart(card: Card) -> Json:
    """The chart, with the query that Superset runs for it; sums are of one row, since the data set has a row a mark."""
    metrics = [_sum(name) for name in card.values]
    is_table = card.chart in ("table", "scatter")
    query: Json = {"columns": list(card.shown if is_table else card.label), "row_limit": _ROW_LIMIT}
    query |= {} if is_table else {"metrics": metrics}
    kind, settings = _viz(card, metrics)
    form = {"viz_type": kind, "row_limit": _ROW_LIMIT} | settings
    context = {"datasource": {"id": 0, "type": "table"}, "queries": [query], "form_data": form, "result_type": "full"}
    return {
        "slice_name": card.title,
        "description": card.metric.description,
        "viz_type": kind,
        "params": form,
        "query_context": json.dumps(context | {"force": False, "result_format": "json"}),
        "uuid": _uuid(f"chart/{card.name}"),
        "dataset_uuid": _uuid(f"dataset/{card.name}"),
        "version": _VERSION,
    }


def chart_uuid(card: Card) -> str:
    """The uuid of the card's chart, in every installation."""
    return _uuid(f"chart/{card.name}")


def _filters(dashboard: BiDashboard) -> list[Json]:
    """The dashboard's own filters: one for the days, one for each list of values."""
    common: Json = {
        "type": "NATIVE_FILTER",
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "description": "",
    }
    filters = [
        {"id": "NATIVE_FILTER-days", "name": "Days", "filterType": "filter_time", "targets": [{}], "controlValues": {}}
    ]
    for name, declared in dashboard.filters.items():
        if declared.values_of is not None:
            target = {"datasetUuid": _uuid(f"dataset/{declared.values_of}"), "column": {"name": filtered_column(name)}}
            filters.append(
                {
                    "id": f"NATIVE_FILTER-{name}",
                    "name": declared.title,
                    "filterType": "filter_select",
                    "targets": [target],
                    "controlValues": {"multiSelect": True, "enableEmptyFilter": False, "inverseSelection": False},
                }
            )
    return [each | common for each in filters]


def _uuid(name: str) -> str:
    return str(uuid.uuid5(_IDS, name))


def _sum(column: str) -> Json:
    return {
        "expressionType": "SIMPLE",
        "aggregate": "SUM",
        "column": {"column_name": column},
        "label": column,
        "hasCustomLabel": True,
        "optionName": f"metric_{column}",
    }


def _viz(card: Card, metrics: list[Json]) -> tuple[str, Json]:
    labels = list(card.label)
    match card.chart:
        case "number":
            return "big_number_total", {
                "metric": metrics[0],
                "y_axis_format": _FORMATS[card.column(card.values[0]).type],
            }
        case "donut":
            return "pie", {"groupby": labels, "metric": metrics[0], "donut": True}
        case "bar" | "column":
            across = "horizontal" if card.chart == "bar" else "vertical"
            axis = {"x_axis": labels[0], "x_axis_sort": labels[0], "xAxisForceCategorical": True}
            return "echarts_timeseries_bar", {"metrics": metrics, "orientation": across} | axis
        case "line":
            return "echarts_timeseries_line", {"x_axis": labels[0], "metrics": metrics}
        case "grid":
            rows = {"groupbyRows": labels[:1], "groupbyColumns": labels[1:], "aggregateFunction": "Sum"}
            return "pivot_table_v2", {"metrics": metrics} | rows
        case "table" | "scatter":
            return "table", {"query_mode": "raw", "all_columns": list(card.shown)}


def _position(dashboard: BiDashboard) -> Json:
    """Tabs of rows of charts: cards that begin in the same row of the description stand side by side."""
    tabs = [f"TAB-{number}" for number, _ in enumerate(dashboard.tabs)]
    # any numbers that differ: importing puts its own in their place
    ids = {card.name: number for number, card in enumerate(dashboard.cards(), start=1)}
    position: Json = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["TABS-1"]},
        "TABS-1": {"id": "TABS-1", "type": "TABS", "children": tabs, "parents": ["ROOT_ID"]},
    }
    for tab_id, tab in zip(tabs, dashboard.tabs, strict=True):
        rows = []
        ordered = sorted(tab.cards, key=lambda card: (card.at.row, card.at.column))
        for row, cards in groupby(ordered, key=lambda card: card.at.row):
            row_id, charts = f"ROW-{tab_id}-{row}", []
            for card in cards:
                chart_id = f"CHART-{card.name}"
                charts.append(chart_id)
                size = {"width": card.at.width * _GRID_COLUMNS // 24, "height": card.at.height * _HEIGHT_OF_A_ROW}
                position[chart_id] = {
                    "id": chart_id,
                    "type": "CHART",
                    "children": [],
                    "parents": ["ROOT_ID", "TABS-1", tab_id, row_id],
                    "meta": {"uuid": chart_uuid(card), "chartId": ids[card.name], "sliceName": card.title} | size,
                }
            rows.append(row_id)
            position[row_id] = {
                "id": row_id,
                "type": "ROW",
                "children": charts,
                "parents": ["ROOT_ID", "TABS-1", tab_id],
                "meta": {"background": "BACKGROUND_TRANSPARENT"},
            }
        position[tab_id] = {
            "id": tab_id,
            "type": "TAB",
            "children": rows,
            "parents": ["ROOT_ID", "TABS-1"],
            "meta": {"text": tab.title},
        }
    return position

"""Data sets and a dashboard definition, as AWS::QuickSight::DataSet and AWS::QuickSight::Dashboard take them.

A data set for each metric, asked directly (no copy in SPICE), whose SQL takes the filters as data set parameters.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from psycopg import sql

from dashboards.description import GRID_COLUMNS, BiDashboard, Card, metric_query
from functions.model.metrics import FILTERS, Filter, Metric, Type, load_metrics

type Json = dict[str, Any]

EVERYTHING = "(all)"
"""What a filter that is not set holds: a data set parameter must hold something."""

_DAYS: dict[Filter, str] = {"since": "1900-01-01", "until": "2999-12-31"}
"""The days that stand for no first and no last day."""

_QUICKSIGHT_COLUMNS = 36
_ROWS_OF_A_ROW = 2
_IDS = uuid.UUID("5f0b6f2a-3c60-4c36-8d36-0c360c360c38")
_TYPES: dict[Type, str] = {
    "text": "STRING", "integer": "INTEGER", "amount": "DECIMAL", "ratio": "DECIMAL", "number": "DECIMAL",
    "date": "DATETIME", "instant": "DATETIME",
}  # fmt: skip


def metrics_of(dashboard: BiDashboard) -> list[Metric]:
    """The metrics that the dashboard shows, each once: a data set each."""
    return list({card.metric.name: card.metric for card in dashboard.cards()}.values())


def data_set_sql(metric: Metric) -> str:
    """The metric's SQL with QuickSight's parameters, <<$name>>, in the places of the filters."""
    places = (
        f"nullif((<<${name}>>)::timestamp::date, date '{_DAYS[name]}')"
        if name in _DAYS
        else f"nullif(array[<<${name}>>]::text [], array['{EVERYTHING}'])"
        for name in FILTERS
    )
    arguments = sql.SQL(", ".join(places))
    return metric_query(metric, metric.columns, arguments).as_string()


def data_set(metric: Metric, data_source_arn: str) -> Json:
    """Properties of the data set, but for its account, id and permissions."""
    properties: Json = {
        "Name": f"Customer 360: {metric.title}",
        "ImportMode": "DIRECT_QUERY",
        "PhysicalTableMap": {
            "metric": {
                "CustomSql": {
                    "DataSourceArn": data_source_arn,
                    "Name": metric.relation,
                    "SqlQuery": data_set_sql(metric),
                    "Columns": [{"Name": name, "Type": _TYPES[column.type]} for name, column in metric.columns.items()],
                }
            }
        },
    }
    if metric.filters:
        properties["DatasetParameters"] = [_data_set_parameter(name) for name in FILTERS]
    return properties


def definition(dashboard: BiDashboard, data_set_arns: dict[str, str]) -> Json:
    """The dashboard's definition. `data_set_arns`: by the metric's name."""
    metrics = metrics_of(dashboard)
    return {
        "DataSetIdentifierDeclarations": [
            {"Identifier": metric.name, "DataSetArn": data_set_arns[metric.name]} for metric in metrics
        ],
        "ParameterDeclarations": [_parameter(name, metrics) for name in dashboard.filters],
        "Sheets": [
            {
                "SheetId": f"sheet-{number}",
                "Name": tab.title,
                "ParameterControls": _controls(dashboard, number),
                "Visuals": [_visual(card) for card in tab.cards],
                "Layouts": [{"Configuration": {"GridLayout": {"Elements": [_element(card) for card in tab.cards]}}}],
            }
            for number, tab in enumerate(dashboard.tabs)
        ],
    }


def _data_set_parameter(name: Filter) -> Json:
    identity = {"Id": str(uuid.uuid5(_IDS, name)), "Name": name}
    if name in _DAYS:
        default = {"StaticValues": [f"{_DAYS[name]}T00:00:00Z"]}
        kind = {"ValueType": "SINGLE_VALUED", "TimeGranularity": "DAY", "DefaultValues": default}
        return {"DateTimeDatasetParameter": identity | kind}
    kind = {"ValueType": "MULTI_VALUED", "DefaultValues": {"StaticValues": [EVERYTHING]}}
    return {"StringDatasetParameter": identity | kind}


def _parameter(name: Filter, metrics: Iterable[Metric]) -> Json:
    mapped = [{"DataSetIdentifier": metric.name, "DataSetParameterName": name} for metric in metrics if metric.filters]
    common = {"Name": name, "MappedDataSetParameters": mapped}
    if name in _DAYS:
        default = {"StaticValues": [f"{_DAYS[name]}T00:00:00Z"]}
        return {"DateTimeParameterDeclaration": common | {"TimeGranularity": "DAY", "DefaultValues": default}}
    kind = {"ParameterValueType": "MULTI_VALUED", "DefaultValues": {"StaticValues": [EVERYTHING]}}
    return {"StringParameterDeclaration": common | kind}


def _controls(dashboard: BiDashboard, sheet: int) -> list[Json]:
    controls: list[Json] = []
    for name, declared in dashboard.filters.items():
        control: Json = {
            "ParameterControlId": f"control-{sheet}-{name}",
            "Title": declared.title,
            "SourceParameterName": name,
        }
        if declared.values_of is None:
            controls.append({"DateTimePicker": control})
            continue
        column = dashboard.card(declared.values_of)
        values = {"LinkToDataSetColumn": _column(column, column.label[0])}
        controls.append({"List": control | {"Type": "MULTI_SELECT", "SelectableValues": values}})
    return controls


def _element(card: Card) -> Json:
    scale = _QUICKSIGHT_COLUMNS / GRID_COLUMNS
    return {
        "ElementId": card.name,
        "ElementType": "VISUAL",
        "ColumnIndex": int(card.at.column * scale),
        "ColumnSpan": int(card.at.width * scale),
        "RowIndex": card.at.row * _ROWS_OF_A_ROW,
        "RowSpan": card.at.height * _ROWS_OF_A_ROW,
    }


def _visual(card: Card) -> Json:
    labels = [_dimension(card, name) for name in card.label]
    values = [_measure(card, name) for name in card.values]
    kind: str
    chart: Json
    wells: Json
    match card.chart:
        case "number":
            kind, chart = "KPIVisual", {"FieldWells": {"Values": values}}
        case "donut":
            wells = {"PieChartAggregatedFieldWells": {"Category": labels, "Values": values}}
            kind, chart = (
                "PieChartVisual",
                {
                    "FieldWells": wells,
                    "DonutOptions": {"ArcOptions": {"ArcThickness": "MEDIUM"}},
                },
            )
        case "bar" | "column":
            wells = {"BarChartAggregatedFieldWells": {"Category": labels, "Values": values}}
            across = "HORIZONTAL" if card.chart == "bar" else "VERTICAL"
            kind, chart = "BarChartVisual", {"FieldWells": wells, "Orientation": across}
        case "line":
            wells = {"LineChartAggregatedFieldWells": {"Category": labels, "Values": values}}
            kind, chart = "LineChartVisual", {"FieldWells": wells, "Type": "LINE"}
        case "scatter":
            wells = {"XAxis": [_measure(card, card.label[0])], "YAxis": values, "Category": labels[1:]}
            wells |= {"Size": [_measure(card, card.size)]} if card.size else {}
            kind = "ScatterPlotVisual"
            chart = {"FieldWells": {"ScatterPlotCategoricallyAggregatedFieldWells": wells}}
        case "grid":
            wells = {"Rows": labels[:1], "Columns": labels[1:], "Values": values}
            kind, chart = "HeatMapVisual", {"FieldWells": {"HeatMapAggregatedFieldWells": wells}}
        case "table":
            fields = [{"FieldId": _field(card, name), "Column": _column(card, name)} for name in card.shown]
            wells = {"TableUnaggregatedFieldWells": {"Values": fields}}
            kind, chart = "TableVisual", {"FieldWells": wells}
    visual: Json = {
        "VisualId": card.name,
        "Title": {"Visibility": "VISIBLE", "FormatText": {"PlainText": card.title}},
        "ChartConfiguration": chart,
    }
    if card.click == "filter" and card.clicked_filter:
        visual["Actions"] = [_filter_by_click(card, card.clicked_filter)]
    return {kind: visual}


def _filter_by_click(card: Card, name: Filter) -> Json:
    value = {"SourceField": _field(card, card.label[0])}
    chosen = [{"DestinationParameterName": name, "Value": value}]
    return {
        "CustomActionId": f"{card.name}-filter",
        "Name": "Filter by this",
        "Status": "ENABLED",
        "Trigger": "DATA_POINT_CLICK",
        "ActionOperations": [{"SetParametersOperation": {"ParameterValueConfigurations": chosen}}],
    }


def _field(card: Card, name: str) -> str:
    return f"{card.name}.{name}"


def _column(card: Card, name: str) -> Json:
    return {"DataSetIdentifier": card.metric.name, "ColumnName": name}


def _dimension(card: Card, name: str) -> Json:
    field: Json = {"FieldId": _field(card, name), "Column": _column(card, name)}
    match _TYPES[card.column(name).type]:
        case "STRING":
            return {"CategoricalDimensionField": field}
        case "DATETIME":
            return {"DateDimensionField": field | {"DateGranularity": "DAY"}}
        case _:
            return {"NumericalDimensionField": field}


def _measure(card: Card, name: str) -> Json:
    """Its sum, which is of one row: a data set has a row for each mark."""
    field: Json = {
        "FieldId": f"{_field(card, name)}.sum",
        "Column": _column(card, name),
        "AggregationFunction": {"SimpleNumericalAggregation": "SUM"},
    }
    unit = card.column(name).unit
    if unit in ("share", "change"):
        field["FormatConfiguration"] = {"FormatConfiguration": {"PercentageDisplayFormatConfiguration": {}}}
    elif unit == "currency":
        symbol = {"Symbol": load_metrics().currency}
        field["FormatConfiguration"] = {"FormatConfiguration": {"CurrencyDisplayFormatConfiguration": symbol}}
    return {"NumericalMeasureField": field}

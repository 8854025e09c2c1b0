"""The shapes of the metrics, from their declaration: one object, or a series of points in drawing order."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, create_model

from functions.api.answers import Answer, Money
from functions.model.metrics import Metric

_TYPES: dict[str, Any] = {
    "text": str,
    "integer": int,
    "amount": Money,
    "ratio": float,
    "number": float,
    "date": date,
    "instant": datetime,
}


class Series[Point: Answer](Answer):
    """The points of a chart."""

    items: list[Point]


class FilterOptions(Answer):
    """What can be filtered by; null stands for what is not known, the empty value of a filter."""

    segments: list[str | None] | None
    states: list[str | None] | None
    categories: list[str | None] | None
    statuses: list[str | None] | None
    first_day: date | None
    last_day: date | None


class Panels(Answer):
    """Figures of one publication of the marts, by panel. The shape of each is that of `/metrics/{panel}`."""

    published_at: Annotated[datetime | None, Field(description="When the marts were published; null before that.")]
    run_id: str | None
    today: Annotated[date | None, Field(description="What the marts call today.")]
    time_zone: Annotated[str, Field(description="Whose days and hours all figures are of.", examples=["Europe/Berlin"])]
    currency: Annotated[str, Field(examples=["EUR"])]
    panels: dict[str, Any]


class CatalogueColumn(Answer):
    """A column of a metric."""

    name: str
    title: str
    unit: str
    description: str
    optional: bool
    against: Annotated[str | None, Field(description="The column that its rows' sum is divided by or compared with.")]
    detail: Annotated[bool, Field(description="Explains other columns; tables need not show it.")]
    explains: Annotated[
        str | None, Field(description="Which rows are behind it; null: it cannot be explained by rows.")
    ]


class CatalogueEntry(Answer):
    """What a metric means and how it is shown best."""

    name: str
    title: str
    description: str
    shape: str
    unit: str
    grain: list[str]
    filters: list[str]
    chart: str
    live: bool
    view: Annotated[str, Field(description="The view of all data, for BI tools.")]
    explains: str | None
    columns: list[CatalogueColumn]


class Catalogue(Answer):
    """The metric layer."""

    time_zone: str
    currency: str
    items: list[CatalogueEntry]


def row_model(metric: Metric) -> type[Answer]:
    """The shape of a row of the metric."""
    words = metric.name.title().replace("-", "")
    fields: dict[str, Any] = {}
    for name, column in metric.columns.items():
        kind = _TYPES[column.type]
        kind = kind | None if column.optional else kind
        fields[name] = Annotated[kind, Field(description=column.description)], ...
    model: type[Answer] = create_model(
        words if metric.shape == "object" else f"{words}Point", __base__=Answer, __doc__=metric.description, **fields
    )
    return model

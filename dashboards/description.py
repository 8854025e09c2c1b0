"""The BI dashboard of dashboards/customer_360.yaml: which card shows which metric, how, where; what a click does."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from psycopg import sql
from pydantic import BaseModel, ConfigDict, Field, model_validator

from functions.model.metrics import Column, Filter, Metric, load_metrics

GRID_COLUMNS = 24

type Chart = Literal["number", "donut", "bar", "column", "line", "scatter", "table", "grid"]

_FILE = Path(__file__).with_name("customer_360.yaml")
_SELECT = sql.SQL("select {columns} from {rows}")
_LABELS = {"donut": (1, 1), "bar": (1, 1), "column": (1, 1), "line": (1, 1), "scatter": (1, 2), "grid": (2, 2)}
"""Chart -> how many columns of labels it takes, at least and at most."""


def metric_query(metric: Metric, columns: Iterable[str], arguments: sql.Composable | None = None) -> sql.Composed:
    """These columns of a metric; see `Card.query`."""
    name = sql.Identifier("business_vault", metric.relation)
    return _SELECT.format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        rows=sql.SQL("{}({})").format(name, arguments) if arguments is not None and metric.filters else name,
    )


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BiFilter(_Declared):
    """A filter of the dashboard. `values_of`: the card whose first label lists what can be chosen; days have none."""

    title: str
    values_of: str | None = None


class Place(_Declared):
    """Where a card stands: cells of a grid that is GRID_COLUMNS wide."""

    column: Annotated[int, Field(ge=0)]
    row: Annotated[int, Field(ge=0)]
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]


class Card(_Declared):
    """One card. `shown` are its columns in order, `metric` what it draws."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    metric: Metric
    own_title: Annotated[str | None, Field(alias="title")] = None
    chart: Chart
    label: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    size: str | None = None
    at: Place
    click: Literal["filter", "explain"] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if unknown := set(self.shown) - set(self.metric.columns):
            raise ValueError(f"{self.name}: {self.metric.name} has no column {', '.join(sorted(unknown))}")
        least, most = _LABELS.get(self.chart, (0, len(self.metric.columns)))
        if not least <= len(self.label) <= most:
            raise ValueError(f"{self.name}: a {self.chart} takes {least} to {most} labels")
        if self.chart != "table" and not self.values:
            raise ValueError(f"{self.name}: a {self.chart} needs values")
        if self.at.column + self.at.width > GRID_COLUMNS:
            raise ValueError(f"{self.name} ends beyond the grid's {GRID_COLUMNS} columns")
        if self.click == "filter" and self.clicked_filter is None:
            raise ValueError(f"{self.name}: no filter of {self.metric.name} takes what its marks are named by")
        return self

    @property
    def title(self) -> str:
        """Its own title, else that of the one figure it shows, else the metric's."""
        figure = self.column(self.values[0]).title if self.chart == "number" else self.metric.title
        return self.own_title or figure

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns that the card shows, labels first; a table without values shows all but details."""
        drawn = (*self.label, *self.values, *((self.size,) if self.size else ()))
        return drawn if self.values else tuple(name for name, each in self.metric.columns.items() if not each.detail)

    @property
    def clicked_filter(self) -> Filter | None:
        """The filter that a click on a mark can set: the one that its label is named after."""
        names: dict[str, Filter] = {
            "customer_segment": "segment", "state": "state", "category": "category", "order_status": "status"
        }  # fmt: skip
        chosen = names.get(self.label[0]) if self.label else None
        return chosen if chosen in self.metric.filters else None

    def column(self, name: str) -> Column:
        """What the metric layer says of a column."""
        return self.metric.columns[name]

    def query(self, arguments: sql.Composable | None = None) -> sql.Composed:
        """The card's SQL. `arguments`: the six filters, as the metric's function takes them; None for all data."""
        return metric_query(self.metric, self.shown, arguments)


class Tab(_Declared):
    """One page of the dashboard."""

    title: str
    cards: tuple[Card, ...]

    @model_validator(mode="after")
    def _cards_do_not_overlap(self) -> Self:
        taken: dict[tuple[int, int], str] = {}
        for card in self.cards:
            for column in range(card.at.column, card.at.column + card.at.width):
                for row in range(card.at.row, card.at.row + card.at.height):
                    other = taken.setdefault((column, row), card.name)
                    if other != card.name:
                        raise ValueError(f"{card.name} lies on {other}")
        return self


class BiDashboard(_Declared):
    """The whole dashboard; `refresh_seconds`: how often a tool that can refreshes an open one."""

    title: str
    description: str
    refresh_seconds: Annotated[int, Field(ge=1)]
    filters: dict[Filter, BiFilter]
    tabs: tuple[Tab, ...]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        names = [card.name for card in self.cards()]
        if len(names) != len(set(names)):
            raise ValueError("two cards have the same name")
        for name, declared in self.filters.items():
            if declared.values_of is not None and self.card(declared.values_of).clicked_filter != name:
                raise ValueError(f"filter {name}: the card {declared.values_of} does not list its values")
        return self

    def cards(self) -> Iterator[Card]:
        """Every card, tab by tab."""
        for tab in self.tabs:
            yield from tab.cards

    def card(self, name: str) -> Card:
        """The card of that name. Raises ValueError."""
        for card in self.cards():
            if card.name == name:
                return card
        raise ValueError(f"no card is named {name}")


def parse_dashboard(text: str) -> BiDashboard:
    """The dashboard that the text declares. Raises pydantic.ValidationError, or KeyError for an unknown metric."""
    declared = yaml.safe_load(text)
    for tab in declared["tabs"]:
        tab["cards"] = [_card(name, card) for name, card in tab["cards"].items()]
    return BiDashboard.model_validate(declared)


def _card(name: str, declared: dict[str, Any]) -> dict[str, object]:
    at = dict(zip(("column", "row", "width", "height"), declared["at"], strict=True))
    return declared | {"name": name, "metric": load_metrics().metrics[declared["metric"]], "at": at}


@cache
def load_dashboard() -> BiDashboard:
    """The declared dashboard."""
    return parse_dashboard(_FILE.read_text(encoding="utf-8"))

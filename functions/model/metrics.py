"""The metric layer of sql/metrics.yaml: what each figure means, and the views and functions it is rendered to.

For tools that show figures: `load_metrics()` gives every metric with its name, title and description in words, its
view in `business_vault`, its columns with their units, and the chart that suits it.
"""

import zoneinfo
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import Annotated, Literal

import yaml
from psycopg import sql
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from functions.common.sql_files import SQL_FOLDER, read_sql

type Filter = Literal["since", "until", "segment", "state", "category", "status"]

FILTERS: dict[Filter, sql.SQL] = {
    "since": sql.SQL("since date"),
    "until": sql.SQL("until date"),
    "segment": sql.SQL("segments text []"),
    "state": sql.SQL("states text []"),
    "category": sql.SQL("categories text []"),
    "status": sql.SQL("statuses text []"),
}
"""Filter -> the parameter of the functions that takes it."""

type Chart = Literal["card", "donut", "bar", "line", "heatmap", "cohorts", "scatter", "table"]
type Unit = Literal[
    "currency", "orders", "customers", "products", "lines", "pieces", "share", "change", "days", "day", "month",
    "instant", "seconds", "rows", "text", "number",
]  # fmt: skip
type Type = Literal["text", "integer", "amount", "ratio", "number", "date", "instant"]
type Rows = Literal["lines", "customers", "products", "events"]
type Part = Literal[
    "total_orders > 0", "total_orders > 1", "customer_id is null", "7 days", "30 days", "30 days before",
    "known on the last day", "known 30 days before", "first", "last", "last of its type", "last of who is active",
]  # fmt: skip

_TYPES: dict[str, sql.SQL] = {
    "text": sql.SQL("text"),
    "integer": sql.SQL("bigint"),
    "amount": sql.SQL("numeric"),
    "ratio": sql.SQL("numeric"),
    "number": sql.SQL("numeric"),
    "date": sql.SQL("date"),
    "instant": sql.SQL("timestamptz"),
}
_FUNCTION = sql.SQL("""create function {name}({parameters})
returns table ({columns})
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp set work_mem = '32MB' set plan_cache_mode = force_custom_plan
as $metric$
{query}
$metric$;
create view {name} as select * from {name}();""")
_VIEW = sql.SQL("create view {name} as\n{query};")
_COMMENT = sql.SQL("comment on view {name} is {text};")


def _zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError("an IANA time zone is needed, such as Europe/Berlin")
    return name


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Declared):
    """A column of a metric. `adds`: what a row behind it adds; `of`: which rows count; `narrowed`: by which columns of
    the grain; `against`: the column that explains what their sum is divided by or compared with; `divided_by`: a number
    that it is divided by (see sql/metrics.yaml).
    """

    title: str
    type: Type
    unit: Unit
    description: str
    optional: bool = False
    explains: Rows | None = None
    adds: (
        Literal[
            1,
            "orders",
            "quantity",
            "total_amount",
            "total_orders",
            "lifetime_value",
            "purchase_amount",
            "month_revenue",
            "month_values",
            "month_prediction",
            "gaps",
            "gap_days",
            "share_of_other",
        ]
        | None
    ) = None
    of: Part | None = None
    narrowed: tuple[str, ...] | None = None
    against: str | None = None
    divided_by: Annotated[int, Field(ge=2)] | None = None
    detail: bool = False


class Metric(_Declared):
    """A metric: one row (`shape` object) or a series of rows that `grain` identifies."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] = ""
    title: str
    description: str
    shape: Literal["series", "object"] = "series"
    unit: Unit
    grain: tuple[str, ...]
    filters: tuple[Filter, ...]
    chart: Chart
    live: bool = False
    explains: Rows | None = None
    columns: dict[str, Column]

    @model_validator(mode="after")
    def _grain_is_of_columns(self) -> "Metric":
        if unknown := set(self.grain) - set(self.columns):
            raise ValueError(f"no column is named {', '.join(sorted(unknown))}")
        against = {column.against for column in self.columns.values() if column.against}
        if unexplained := [name for name in against if name not in self.columns or self.columns[name].adds is None]:
            raise ValueError(f"no column that rows explain is named {', '.join(unexplained)}")
        return self

    @property
    def relation(self) -> str:
        """The view's name in business_vault, and the function's."""
        return f"metric_{self.name.replace('-', '_')}"

    @property
    def view(self) -> str:
        """The view, with its schema."""
        return f"business_vault.{self.relation}"

    def explained_by(self, column: str) -> Rows | None:
        """Which rows are behind a column; None where no rows answer that."""
        declared = self.columns[column]
        return None if declared.adds is None else declared.explains or self.explains


class MetricLayer(_Declared):
    """All of sql/metrics.yaml."""

    time_zone: Annotated[str, AfterValidator(_zone)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    run_limit_minutes: Annotated[int, Field(ge=1)]
    metrics: dict[str, Metric]

    @model_validator(mode="after")
    def _named(self) -> "MetricLayer":
        named = {name: metric.model_copy(update={"name": name}) for name, metric in self.metrics.items()}
        return self.model_copy(update={"metrics": named})


def parse_metrics(text: str) -> MetricLayer:
    """The metric layer that the text declares. Raises pydantic.ValidationError."""
    declared = yaml.safe_load(text)
    for name, metric in declared.get("metrics", {}).items():
        metric["name"] = name
    return MetricLayer.model_validate(declared)


@cache
def load_metrics() -> MetricLayer:
    """The declared metric layer."""
    return parse_metrics((SQL_FOLDER / "metrics.yaml").read_text(encoding="utf-8"))


def statements(layer: MetricLayer) -> Iterator[sql.SQL | sql.Composed]:
    """What makes the relations, and the view (with filters also the function) of each metric."""
    yield read_sql("metrics/relations.sql")
    for metric in layer.metrics.values():
        name = sql.Identifier("business_vault", metric.relation)
        query = read_sql(f"metrics/{metric.relation.removeprefix('metric_')}.sql")
        if not metric.filters:
            yield _VIEW.format(name=name, query=query)
        else:
            yield _FUNCTION.format(
                name=name,
                parameters=sql.SQL(", ").join(parameter + sql.SQL(" default null") for parameter in FILTERS.values()),
                columns=sql.SQL(", ").join(
                    sql.SQL("{} {}").format(sql.Identifier(column), _TYPES[declared.type])
                    for column, declared in metric.columns.items()
                ),
                query=query,
            )
        yield _COMMENT.format(name=name, text=sql.Literal(f"{metric.title}. {metric.description}"))


def checksum(layer: MetricLayer) -> str:
    """Hash of all that is rendered."""
    text = "\n".join(statement.as_string() for statement in statements(layer))
    return sha256(text.encode()).hexdigest()

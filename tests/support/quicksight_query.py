"""A data set's SQL as QuickSight sends it: its parameters' values put in."""

import re
from collections.abc import Mapping
from typing import Any

from dashboards.description import Card
from dashboards.quicksight.definition import data_set, data_set_sql
from functions.model.metrics import load_metrics


def defaults_of(metric_name: str) -> dict[str, list[str]]:
    """What the data set's parameters hold when nobody has chosen anything."""
    declared = data_set(load_metrics().metrics[metric_name], "arn").get("DatasetParameters", [])
    parameters = [next(iter(each.values())) for each in declared]
    return {each["Name"]: each["DefaultValues"]["StaticValues"] for each in parameters}


def substituted(card: Card, values: Mapping[Any, Any]) -> tuple[str, dict[str, Any]]:
    """The query and its parameters under these filters."""
    chosen = defaults_of(card.metric.name) | {
        name: value if isinstance(value, list) else [value] for name, value in values.items()
    }
    given: dict[str, Any] = {}

    def put_in(found: re.Match[str]) -> str:
        names = [f"{found[1]}_{number}" for number, _ in enumerate(chosen[found[1]])]
        given.update(zip(names, chosen[found[1]], strict=True))
        return ", ".join(f"%({name})s" for name in names)

    return re.sub(r"<<\$(\w+)>>", put_in, data_set_sql(card.metric).replace("%", "%%")), given

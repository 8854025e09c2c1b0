"""Checks of a model with other rules, and their results."""

from typing import Any

import yaml

from functions.common.sql_files import SQL_FOLDER
from functions.model.declaration import Model
from functions.model.reading import parse_model
from tests.support.night import Night

TODAY = "dt=2026-01-01"


def model_with(quality: dict[str, Any] | None = None, **columns: dict[str, Any]) -> Model:
    """The project's model with other rules; `columns`: `<source>__<column>` to the attributes it gets."""
    declared = yaml.safe_load((SQL_FOLDER / "model.yaml").read_text())
    declared["quality"] |= quality or {}
    for place, attributes in columns.items():
        source, column = place.split("__")
        declared["sources"][source]["columns"][column] |= attributes
    return parse_model(yaml.safe_dump(declared))


def result_of(night: Night, rule: str) -> tuple[Any, ...]:
    """Whether a rule passed, what it measured and its limit, in the last run that has it."""
    [row] = night.rows(
        "select passed, measured, threshold from metadata.quality_result"
        f" where rule = '{rule}' order by checked_at desc limit 1"
    )
    return row

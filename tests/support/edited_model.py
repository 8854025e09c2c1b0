"""The project's model with one thing changed, and what the reader says of it."""

from copy import deepcopy
from typing import Any

import pytest
import yaml

from functions.common.sql_files import SQL_FOLDER
from functions.model.errors import ModelFileError
from functions.model.reading import parse_model

TEXT = (SQL_FOLDER / "model.yaml").read_text(encoding="utf-8")
REAL: dict[str, Any] = yaml.safe_load(TEXT)


def edited(path: str, value: object) -> str:
    """The real model as YAML, with `value` at the dotted path."""
    model = deepcopy(REAL)
    *parents, last = path.split(".")
    place = model
    for parent in parents:
        place = place[parent]
    place[last] = value
    return yaml.safe_dump(model, sort_keys=False, width=10_000)


def wrong_with(text: str) -> list[tuple[str, str]]:
    """Field and message of each thing that is wrong."""
    with pytest.raises(ModelFileError) as raised:
        parse_model(text)
    return [(problem.field, problem.message) for problem in raised.value.problems]

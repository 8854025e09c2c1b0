"""The model that a migration was rendered from, kept in the migration itself, as a comment.

An applied migration never changes, so what the tables were built from can neither be lost nor edited on its own.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from functions.common.errors import MigrationError
from functions.model.declaration import Model

if TYPE_CHECKING:
    from functions.load.schema.migrate import Migration

_HEADING = "-- The tables are now those of this model; the next migration of the model starts from it:"
_MARK = "--| "
_WIDTH = 110


def recorded(model: Model) -> str:
    """The comment."""
    text = yaml.safe_dump(structure(model), sort_keys=False, default_flow_style=None, width=_WIDTH)
    return f"{_HEADING}\n{''.join(_MARK + line + chr(10) for line in text.splitlines())}"


def recorded_model(migrations: Sequence["Migration"]) -> Model:
    """The model that the migrations have built the tables of. Raises MigrationError when none says so."""
    for migration in reversed(migrations):
        lines = [line.removeprefix(_MARK) for line in migration.text.splitlines() if line.startswith(_MARK)]
        if lines:
            try:
                return Model.model_validate(yaml.safe_load("\n".join(lines)))
            except (yaml.YAMLError, ValidationError) as error:
                raise MigrationError("the model recorded in a migration cannot be read", name=migration.name) from error
    raise MigrationError("no migration records the model that it was rendered from")


def structure(model: Model) -> dict[str, Any]:
    """What the tables and the keys in them depend on, as plain values."""
    content = model.model_dump(
        mode="json",
        exclude_defaults=True,
        include={
            "sources": {"__all__": {"columns": {"__all__": {"type", "required", "default"}}}},
            "hubs": True,
            "links": True,
            "satellites": True,
        },
    )
    return {section: content[section] for section in ("sources", "hubs", "links", "satellites")}

"""The model that a migration is rendered from, as a comment in the migration itself.

An applied migration never changes, so what the tables were built from can neither be lost nor edited on its own.
"""

from typing import Any

import yaml

from functions.model.declaration import Model

_HEADING = "-- The tables are now those of this model; the next migration of the model starts from it:"
_MARK = "--| "
_WIDTH = 110


def render_recorded_model(model: Model) -> str:
    """The comment."""
    text = yaml.safe_dump(structure(model), sort_keys=False, default_flow_style=None, width=_WIDTH)
    return f"{_HEADING}\n{''.join(_MARK + line + chr(10) for line in text.splitlines())}"


def recorded_text(migration: str) -> str | None:
    """The YAML text of the model that this migration records; None when it records none."""
    lines = [line.removeprefix(_MARK) for line in migration.splitlines() if line.startswith(_MARK)]
    return "\n".join(lines) if lines else None


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

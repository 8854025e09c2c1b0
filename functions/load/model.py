"""The vault as sql/model.yaml declares it, read once into typed, frozen objects."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from functions.common.errors import ModelError

SQL_FOLDER = Path(__file__).parents[2] / "sql"
HASH_VERSION = 1

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,61}$")]
ColumnType = Literal["text", "integer", "decimal", "date", "timestamp"]


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Declared):
    """A column of a CSV source."""

    type: ColumnType
    required: bool = False
    default: str | None = None
    pii: Literal["name", "email", "phone"] | None = None


class Source(_Declared):
    """A kind of CSV file: what stands in the landing zone below `landing/<name>/`.

    `files`: patterns that a file's name matches. `effective_at`: when a file's rows became true. `measures`: columns
    whose sums must be the same from file to mart.
    """

    columns: dict[Identifier, Column]
    files: tuple[str, ...] = ("*.csv", "*.csv.gz")
    effective_at: Literal["dt_or_upload", "upload"] = "dt_or_upload"
    measures: tuple[Identifier, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that a file's header must have and whose values may not be empty."""
        return tuple(name for name, column in self.columns.items() if column.required)


class Hub(_Declared):
    """One row for each business key that any source has named."""

    hash_key: Identifier
    business_key: Identifier
    sources: tuple[Identifier, ...]


class Link(_Declared):
    """One row for each combination of hubs (and dependent child key) that the source has named."""

    hubs: tuple[Identifier, ...]
    source: Identifier
    dependent_child_key: Identifier | None = None
    indexed: tuple[Identifier, ...] = ()
    """The hubs by which the link is looked up."""


class Satellite(_Declared):
    """The history of some columns of a hub or a link.

    With `driving_key` it is the history of which link is in force (an effectivity satellite); with `status_of` that of
    whether the keys of another satellite are in the complete lists of their source (a status tracking satellite).
    """

    parent: Identifier
    source: Identifier
    columns: tuple[Identifier, ...] = ()
    driving_key: Identifier | None = None
    status_of: Identifier | None = None


class Model(_Declared):
    """All of sql/model.yaml. `late_window_days`: how long unchanged observations are remembered."""

    late_window_days: Annotated[int, Field(ge=1)] = 400
    sources: dict[Identifier, Source]
    hubs: dict[Identifier, Hub]
    links: dict[Identifier, Link]
    satellites: dict[Identifier, Satellite]

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        for name, declared in self.sources.items():
            for measure in declared.measures:
                self._need_columns(name, name, (measure,))
                if declared.columns[measure].type not in ("integer", "decimal"):
                    raise ValueError(f"{name}: measure {measure} is not a number")
        for name, hub in self.hubs.items():
            for source in hub.sources:
                self._need_columns(name, source, (hub.business_key,))
        for name, link in self.links.items():
            for hub_name in (*link.hubs, *link.indexed):
                if hub_name not in self.hubs:
                    raise ValueError(f"{name}: there is no hub {hub_name}")
                self._need_columns(name, link.source, (self.hubs[hub_name].business_key,))
            if link.dependent_child_key is not None:
                self._need_columns(name, link.source, (link.dependent_child_key,))
        for name, satellite in self.satellites.items():
            if satellite.parent not in self.hubs and satellite.parent not in self.links:
                raise ValueError(f"{name}: there is no hub or link {satellite.parent}")
            self._need_columns(name, satellite.source, satellite.columns)
            if satellite.source not in self._sources_of(satellite.parent):
                raise ValueError(f"{name}: {satellite.parent} takes no rows from source {satellite.source}")
            if satellite.status_of is not None:
                self._check_status(name, satellite)
            elif satellite.driving_key is None:
                if not satellite.columns:
                    raise ValueError(f"{name}: a satellite without a driving key needs columns")
            elif satellite.columns or satellite.driving_key not in self._hubs_of(satellite.parent):
                raise ValueError(f"{name}: a driving key is a hub of the parent link, and takes no columns")
        return self

    def _check_status(self, name: str, satellite: Satellite) -> None:
        tracked = self.satellites.get(satellite.status_of or "")
        if tracked is None or tracked.status_of is not None or tracked.driving_key is not None:
            raise ValueError(f"{name}: there is no satellite {satellite.status_of} whose status could be kept")
        if satellite.columns or satellite.driving_key is not None:
            raise ValueError(f"{name}: a status satellite takes neither columns nor a driving key")
        if (satellite.parent, satellite.source) != (tracked.parent, tracked.source):
            raise ValueError(f"{name}: parent and source must be those of {satellite.status_of}")

    def _sources_of(self, parent: str) -> tuple[str, ...]:
        return self.hubs[parent].sources if parent in self.hubs else (self.links[parent].source,)

    def _hubs_of(self, parent: str) -> tuple[str, ...]:
        return self.links[parent].hubs if parent in self.links else ()

    def _need_columns(self, name: str, source: str, columns: tuple[str, ...]) -> None:
        if source not in self.sources:
            raise ValueError(f"{name}: there is no source {source}")
        for column in columns:
            if column not in self.sources[source].columns:
                raise ValueError(f"{name}: source {source} has no column {column}")

    def hash_key(self, parent: str) -> str:
        """The hash key column of the hub or link `parent`."""
        return self.hubs[parent].hash_key if parent in self.hubs else "link_hash_key"

    def hashes(self, source: str) -> dict[str, str]:
        """Hash key columns that staging holds for `source`: staging column -> hub or link it belongs to."""
        hubs = {hub.hash_key: name for name, hub in self.hubs.items() if source in hub.sources}
        links = {f"{name}_hash_key": name for name, link in self.links.items() if link.source == source}
        return hubs | links

    def business_keys(self, source: str) -> frozenset[str]:
        """The columns of `source` that are business keys of hubs."""
        return frozenset(hub.business_key for hub in self.hubs.values() if source in hub.sources)

    def satellites_of(self, source: str) -> dict[str, Satellite]:
        """The satellites whose versions `source` brings: all of its own but the status satellites."""
        return {
            name: satellite
            for name, satellite in self.satellites.items()
            if satellite.source == source and satellite.status_of is None
        }

    def satellite_of_measure(self, source: str, measure: str) -> str:
        """The satellite that keeps a measure of `source`. Raises ModelError when none does."""
        for name, satellite in self.satellites_of(source).items():
            if measure in satellite.columns:
                return name
        raise ModelError("no satellite keeps this measure", source=source, measure=measure)


def parse_model(text: str) -> Model:
    """Read a model from YAML text. Raises ModelError with one line for each thing that is wrong."""
    try:
        return Model.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ModelError(f"the model is not YAML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, p['loc'])) or 'model'}: {p['msg']}" for p in error.errors())
        raise ModelError(f"the model is wrong: {problems}") from error


@cache
def load_model() -> Model:
    """The project's own model, sql/model.yaml."""
    return parse_model((SQL_FOLDER / "model.yaml").read_text(encoding="utf-8"))

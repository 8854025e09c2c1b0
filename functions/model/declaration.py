"""The vault as sql/model.yaml declares it, read once into typed, frozen objects."""

from typing import Annotated, Literal

from pydantic import Field

from functions.common.errors import ModelError
from functions.model.dialect import Dialect
from functions.model.entry import Entry
from functions.model.quality_rules import ColumnChecks, Quality
from functions.model.retention import Retention

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,61}$")]
ColumnType = Literal["text", "integer", "decimal", "date", "timestamp"]

type DataClass = Literal[
    "name", "email", "phone", "address", "birth_date", "free_text", "session", "identifier", "none"
]
"""What is personal in a value. `free_text`: anything may stand in it; `session`: a browser or device; `identifier`: a
pseudonym that everything about a person hangs on, such as a customer's number; `none`: nothing about a person."""


TEXT_LIMIT_BYTES = 1000
"""Of a text value, unless its column declares a `length`: an entry of a B-tree holds 2,704 bytes (PostgreSQL: "B-Tree
Indexes, Limits"), and the readers' indexes hold two values."""


class Column(ColumnChecks):
    """A column of a CSV source. `length`: the most bytes of a text value, in UTF-8."""

    type: ColumnType
    required: bool = False
    default: str | None = None
    absent: Literal["refuse", "empty"] = "refuse"
    pii: DataClass | None = None
    length: Annotated[int, Field(ge=1, le=1_000_000)] = TEXT_LIMIT_BYTES


class Source(Dialect):
    """A kind of CSV file: what stands in the landing zone below `landing/<name>/`.

    `files`: patterns that a file's name matches. `effective_at`: when a file's rows became true. `measures`: columns
    whose sums must be the same from file to mart. `repeated_rows`: whether a row without a dependent child key that is
    equal in every column to another of its file says nothing new (duplicate), or is one more of its kind (count).
    """

    columns: dict[Identifier, Column]
    files: tuple[str, ...] = ("*.csv", "*.csv.gz")
    effective_at: Literal["dt_or_upload", "upload"] = "dt_or_upload"
    measures: tuple[Identifier, ...] = ()
    repeated_rows: Literal["duplicate", "count"] = "duplicate"

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that a file's header must have and whose values may not be empty."""
        return tuple(name for name, column in self.columns.items() if column.required)


class Hub(Entry):
    """One row for each business key that any source has named."""

    hash_key: Identifier
    business_key: Identifier
    sources: tuple[Identifier, ...]


class Link(Entry):
    """One row for each combination of hubs (and dependent child key) that the source has named.

    With `driving_key`, a hub, its dependent child key numbers what belongs to it (the lines of an order): the other
    hubs of a number may be corrected. Rows without a number are all that belongs to the driving key at their instant;
    each that differs in any column has a link of its own.
    """

    hubs: tuple[Identifier, ...]
    source: Identifier
    dependent_child_key: Identifier | None = None
    driving_key: Identifier | None = None
    indexed: tuple[Identifier, ...] = ()
    """The hubs by which the link is looked up."""


class Satellite(Entry):
    """The history of some columns of a hub or a link.

    With `driving_key` it is the history of which link is in force (an effectivity satellite); with `status_of` that of
    whether the keys of another satellite are in the complete lists of their source (a status tracking satellite).
    """

    parent: Identifier
    source: Identifier
    columns: tuple[Identifier, ...] = ()
    driving_key: Identifier | None = None
    status_of: Identifier | None = None


class Model(Entry):
    """All of sql/model.yaml. `late_window_days`: how long unchanged observations are remembered; None: for ever.
    `views`: the class of columns of views that no source brings. `lake_persons`: whether the lake holds persons.
    """

    late_window_days: Annotated[int, Field(ge=1)] | None = None
    retention: Retention = Retention()
    lake_persons: Literal["hidden", "shown"] = "hidden"
    views: dict[Identifier, DataClass] = Field(default_factory=dict)
    sources: dict[Identifier, Source]
    hubs: dict[Identifier, Hub]
    links: dict[Identifier, Link]
    satellites: dict[Identifier, Satellite]
    quality: Quality = Quality()

    @property
    def lake_schema(self) -> str:
        """Whose views the lake is exported from."""
        return "business_vault" if self.lake_persons == "shown" else "masked"

    def hash_key(self, parent: str) -> str:
        """The hash key column of the hub or link `parent`."""
        return self.hubs[parent].hash_key if parent in self.hubs else "link_hash_key"

    def satellite_key(self, name: str) -> str:
        """The column of the satellite `name` that holds the key whose history it keeps."""
        satellite = self.satellites[name]
        return self.hash_key(satellite.driving_key or satellite.parent)

    def satellite_primary_key(self, name: str) -> tuple[str, ...]:
        """The columns that identify a satellite's row. A status gets another row when more is known of its instant."""
        if self.satellites[name].status_of is not None:
            return self.satellite_key(name), "effective_at", "loaded_at"
        return self.satellite_key(name), "effective_at", "record_source", "record_row"

    def hashes(self, source: str) -> dict[str, str]:
        """Hash key columns that staging holds for `source`: staging column -> hub or link it belongs to."""
        hubs = {hub.hash_key: name for name, hub in self.hubs.items() if source in hub.sources}
        links = {f"{name}_hash_key": name for name, link in self.links.items() if link.source == source}
        return hubs | links

    def business_keys(self, source: str) -> frozenset[str]:
        """The columns of `source` that are business keys of hubs."""
        return frozenset(hub.business_key for hub in self.hubs.values() if source in hub.sources)

    def references(self, source: str) -> dict[str, tuple[str, dict[str, Satellite]]]:
        """Business key columns of `source` that other sources describe: column -> hub, and satellites that do."""
        references = {}
        for name, hub in self.hubs.items():
            described = {
                key: each
                for key, each in self.satellites.items()
                if each.parent == name and each.driving_key is None and each.status_of is None
            }
            others = {key: each for key, each in described.items() if each.source != source}
            if source in hub.sources and others and len(others) == len(described):
                references[hub.business_key] = (name, others)
        return references

    def satellites_of(self, source: str) -> dict[str, Satellite]:
        """The satellites whose versions `source` brings: all of its own but the status satellites."""
        return {
            name: satellite
            for name, satellite in self.satellites.items()
            if satellite.source == source and satellite.status_of is None
        }

    def described_by(self, link: str) -> list[str]:
        """The columns with which a link's own source describes it."""
        satellites = self.satellites_of(self.links[link].source).values()
        return [name for each in satellites if each.parent == link and not each.driving_key for name in each.columns]

    def finest_parent(self, source: str) -> str:
        """The hub or link that identifies the rows of `source`, in a file that repeats none."""
        satellites = self.satellites_of(source).values()
        parents = {each.parent for each in satellites if each.driving_key is None} | set(self.links_alone(source))
        candidates = sorted(parents or {each.driving_key or each.parent for each in satellites})
        return max(candidates, key=lambda parent: len(self.links[parent].hubs) if parent in self.links else 0)

    def links_alone(self, source: str) -> list[str]:
        """The links of `source` without a satellite: a row that only adds to one of them has stated something too."""
        parents = {satellite.parent for satellite in self.satellites.values()}
        return [name for name, link in self.links.items() if link.source == source and name not in parents]

    def satellites_across_rows(self, source: str, hub: str) -> dict[str, Satellite]:
        """The satellites of `source` that follow a hub's keys, if several rows of a file may be about one key."""
        if self.finest_parent(source) == hub:
            return {}
        return {
            name: satellite
            for name, satellite in self.satellites_of(source).items()
            if hub == (satellite.driving_key or satellite.parent)
        }

    def numbered_link(self, source: str) -> str | None:
        """The link of `source` with a driving key, if it has one."""
        return next((name for name, link in self.links.items() if link.source == source and link.driving_key), None)

    def satellite_of_measure(self, source: str, measure: str) -> str:
        """The satellite that keeps a measure of `source`. Raises ModelError when none does."""
        for name, satellite in self.satellites_of(source).items():
            if measure in satellite.columns:
                return name
        raise ModelError("no satellite keeps this measure", source=source, measure=measure)

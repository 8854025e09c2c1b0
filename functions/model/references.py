"""Whether the entries of a model fit together: every reference that leads nowhere, every name that is not allowed."""

import re
from collections.abc import Iterator

from functions.model.declaration import TEXT_LIMIT_BYTES, Link, Model, Satellite
from functions.model.entry import Finding, Location, suggestion

# What staging, vault and the statements between them call their own columns.
_RESERVED = {
    "object_id", "part", "row_number", "effective_at", "loaded_at", "record_source", "record_row", "hashdiff",
    "hash_key", "hash_version", "is_deleted", "link_hash_key", "position", "origin", "is_version", "is_last_of_object",
}  # fmt: skip
_SYSTEM_COLUMNS = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
_RESERVED_TABLES = re.compile(r"record_tracking_.*")
_RESERVED_SOURCES = re.compile(r"(raw|part)_\d+_\d+")
# What the readers' indexes hold beside business keys (business_vault.index_for_readers).
_INDEXED = {
    "customers": {"country", "state", "customer_segment", "email"},
    "products": {"category"},
    "transactions": {"order_status"},
}
# PostgreSQL cuts names off after 63 bytes, and staging appends `_hash_key` or `_hashdiff` to these.
_NAME_LIMIT = 54


def wrong_references(model: Model) -> Iterator[Finding]:
    """All that is wrong between entries that are each well-formed, in the order of the model."""
    yield from _names(model)
    for source in model.sources:
        yield from _source(model, source)
    for name in model.hubs:
        yield from _hub(model, name)
    for name, link in model.links.items():
        yield from _link(model, name, link)
    for name, satellite in model.satellites.items():
        yield from _satellite(model, name, satellite)


def _names(model: Model) -> Iterator[Finding]:
    taken: dict[str, str] = {}
    for section in ("hubs", "links", "satellites"):
        for name in getattr(model, section):
            if name in taken:
                yield (section, name), f"{taken[name]} has an entry of this name already"
            taken[name] = section
            if _RESERVED_TABLES.fullmatch(name):
                yield (section, name), "the vault has tables of this name of its own"
            if len(name) > _NAME_LIMIT:
                yield (section, name), f"a name has at most {_NAME_LIMIT} characters"


def _source(model: Model, name: str) -> Iterator[Finding]:
    here: Location = ("sources", name)
    source = model.sources[name]
    if _RESERVED_SOURCES.fullmatch(name):
        yield here, "staging has tables of this name of its own"
    indexed = model.business_keys(name) | _INDEXED.get(name, set())
    kept = _kept_columns(model, name)
    computed = {*model.hashes(name), *(f"{satellite}_hashdiff" for satellite in model.satellites)}
    for column in source.columns:
        if column in _RESERVED | _SYSTEM_COLUMNS | computed:
            yield (*here, "columns", column), "the warehouse has a column of this name of its own"
        elif column not in kept:
            yield (
                (*here, "columns", column),
                "no hub, link or satellite keeps this column: add it to one, or leave it out, which keeps it as JSON",
            )
        if column in indexed and source.columns[column].length > TEXT_LIMIT_BYTES:
            yield (*here, "columns", column, "length"), f"readers find rows by it: at most {TEXT_LIMIT_BYTES} bytes"
    for number, measure in enumerate(source.measures):
        place = (*here, "measures", number)
        if measure not in source.columns:
            yield place, _no_column(model, name, measure)
        elif source.columns[measure].type not in ("integer", "decimal"):
            yield place, f"measure {measure} is not a number"
        elif not any(measure in satellite.columns for satellite in model.satellites_of(name).values()):
            yield place, f"no satellite keeps measure {measure}"
    if source.repeated_rows == "count" and model.numbered_link(name) is None:
        yield (*here, "repeated_rows"), "only rows of a link with a driving key can be counted"
    if not model.satellites_of(name):
        yield here, "no satellite takes its rows, so nothing could count what became of them"


def _kept_columns(model: Model, source: str) -> set[str]:
    kept = set(model.business_keys(source))
    kept |= {link.dependent_child_key for link in model.links.values() if link.source == source} - {None}  # type: ignore[arg-type]
    return kept.union(*(satellite.columns for satellite in model.satellites.values() if satellite.source == source))


def _hub(model: Model, name: str) -> Iterator[Finding]:
    here: Location = ("hubs", name)
    hub = model.hubs[name]
    others = [other for other, each in model.hubs.items() if each.hash_key == hub.hash_key and other != name]
    if hub.hash_key in _RESERVED | _SYSTEM_COLUMNS:
        yield (*here, "hash_key"), f"{hub.hash_key} is the warehouse's own name"
    if others:
        yield (*here, "hash_key"), f"{hub.hash_key} is also the hash key of {others[0]}"
    if not hub.sources:
        yield (*here, "sources"), "a hub needs a source"
    for number, source in enumerate(hub.sources):
        place = (*here, "sources", number)
        if source not in model.sources:
            yield place, _no_source(model, source)
        elif source in hub.sources[:number]:
            yield place, f"source {source} is listed twice"
        elif hub.business_key not in model.sources[source].columns:
            yield (*here, "business_key"), _no_column(model, source, hub.business_key)
        elif model.sources[source].columns[hub.business_key].type != "text":
            yield (*here, "business_key"), f"column {hub.business_key} of source {source} is not text"


def _link(model: Model, name: str, link: Link) -> Iterator[Finding]:
    here: Location = ("links", name)
    if len(link.hubs) < 2:
        yield (*here, "hubs"), "a link joins two hubs or more"
    for number, hub in enumerate(link.hubs):
        place = (*here, "hubs", number)
        if hub not in model.hubs:
            yield place, f"there is no hub {hub}{suggestion(hub, list(model.hubs))}"
        elif hub in link.hubs[:number]:
            yield place, f"hub {hub} is listed twice"
        elif link.source in model.sources and link.source not in model.hubs[hub].sources:
            yield place, f"{hub} takes no rows from source {link.source}: add it to the hub's sources"
    for number, hub in enumerate(link.indexed):
        if hub not in link.hubs:
            yield (*here, "indexed", number), f"the link has no hub {hub}{suggestion(hub, list(link.hubs))}"
    if link.source not in model.sources:
        yield (*here, "source"), _no_source(model, link.source)
    elif link.dependent_child_key is not None and link.dependent_child_key not in model.sources[link.source].columns:
        yield (*here, "dependent_child_key"), _no_column(model, link.source, link.dependent_child_key)
    if link.driving_key is not None:
        yield from _numbered_link(model, here, name, link)


def _numbered_link(model: Model, here: Location, name: str, link: Link) -> Iterator[Finding]:
    place = (*here, "driving_key")
    column = (
        model.sources[link.source].columns.get(link.dependent_child_key or "") if link.source in model.sources else None
    )
    if link.driving_key not in link.hubs:
        yield place, f"a driving key is a hub of the link{suggestion(link.driving_key or '', list(link.hubs))}"
    if column is None or column.default is not None:
        yield place, "the link needs a dependent child key, a column without a default, that numbers what belongs to it"
    if any(each.driving_key and each.source == link.source for other, each in model.links.items() if other != name):
        yield place, f"source {link.source} has another link with a driving key"
    if not any(each.status_of is not None and each.parent == name for each in model.satellites.values()):
        yield place, "the link needs a satellite, and a status satellite of it that says what is in force"


def _satellite(model: Model, name: str, satellite: Satellite) -> Iterator[Finding]:
    here: Location = ("satellites", name)
    parents = [*model.hubs, *model.links]
    if satellite.parent not in parents:
        yield (
            (*here, "parent"),
            f"there is no hub or link {satellite.parent}{suggestion(satellite.parent, parents)}",
        )
    elif satellite.source not in model.sources:
        yield (*here, "source"), _no_source(model, satellite.source)
    elif satellite.source not in _sources_of(model, satellite.parent):
        yield (*here, "source"), f"{satellite.parent} takes no rows from source {satellite.source}"
    else:
        yield from _key_of_nothing(model, here, satellite)
        for number, column in enumerate(satellite.columns):
            if column not in model.sources[satellite.source].columns:
                yield (*here, "columns", number), _no_column(model, satellite.source, column)
            elif column in satellite.columns[:number]:
                yield (*here, "columns", number), f"column {column} is listed twice"
    if satellite.status_of is not None:
        yield from _status(model, here, satellite)
    elif satellite.driving_key is not None:
        hubs = model.links[satellite.parent].hubs if satellite.parent in model.links else ()
        if satellite.columns or satellite.driving_key not in hubs:
            yield (*here, "driving_key"), "a driving key is a hub of the parent link, and takes no columns"
    elif not satellite.columns:
        yield here, "a satellite without a driving key needs columns"


def _key_of_nothing(model: Model, here: Location, satellite: Satellite) -> Iterator[Finding]:
    """Rows without a key share the zero key, which stands for no single thing and so has no history."""
    hub = model.hubs.get(satellite.driving_key or satellite.parent)
    if hub is None:
        return
    column = model.sources[satellite.source].columns.get(hub.business_key)
    if column is not None and not column.required and column.default is None:
        field = "parent" if satellite.driving_key is None else "driving_key"
        yield (*here, field), f"column {hub.business_key} of source {satellite.source} must be required for this"


def _status(model: Model, here: Location, satellite: Satellite) -> Iterator[Finding]:
    tracked = model.satellites.get(satellite.status_of or "")
    if tracked is None or tracked.status_of is not None or tracked.driving_key is not None:
        yield (*here, "status_of"), f"there is no satellite {satellite.status_of} whose status could be kept"
    elif (satellite.parent, satellite.source) != (tracked.parent, tracked.source):
        yield here, f"parent and source must be those of {satellite.status_of}"
    if satellite.columns or satellite.driving_key is not None:
        yield here, "a status satellite takes neither columns nor a driving key"


def _sources_of(model: Model, parent: str) -> tuple[str, ...]:
    return model.hubs[parent].sources if parent in model.hubs else (model.links[parent].source,)


def _no_source(model: Model, name: str) -> str:
    return f"there is no source {name}{suggestion(name, list(model.sources))}"


def _no_column(model: Model, source: str, column: str) -> str:
    return f"source {source} has no column {column}{suggestion(column, list(model.sources[source].columns))}"

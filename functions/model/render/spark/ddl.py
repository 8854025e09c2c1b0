"""The Iceberg tables of the raw vault, rendered from the model: the columns of functions/model/render/ddl.py."""

from collections.abc import Iterator

from functions.model.declaration import Model
from functions.model.render.spark.hash_keys import ZERO_KEY
from functions.model.render.spark.names import CATALOG, SPARK_TYPES, TRACKING, quoted, vault_table

NAMESPACE = f"create namespace if not exists {CATALOG}.raw_vault"

_ORIGIN = ["loaded_at timestamp not null", "record_source bigint not null", "record_row bigint not null"]
_HASH_VERSION = "hash_version int not null"


def tables(model: Model) -> Iterator[tuple[str, str]]:
    """Each table of the raw vault that a load writes: its name, and the statement that creates it if it is missing."""
    for name, hub in model.hubs.items():
        key = f"{quoted(hub.hash_key)} binary not null"
        yield name, _table(name, [key, f"{quoted(hub.business_key)} string", *_ORIGIN, _HASH_VERSION])
    for name, link in model.links.items():
        keys = [f"{quoted(model.hubs[hub].hash_key)} binary not null" for hub in link.hubs]
        if link.dependent_child_key is not None:
            child = model.sources[link.source].columns[link.dependent_child_key]
            keys.append(f"{quoted(link.dependent_child_key)} {SPARK_TYPES[child.type]}")
        yield name, _table(name, ["link_hash_key binary not null", *keys, *_ORIGIN, _HASH_VERSION])
    for name in model.satellites:
        yield name, _table(name, [*_satellite_columns(model, name), *_ORIGIN, _HASH_VERSION])
    tracked = ["satellite string not null", "hash_key binary not null", "effective_at timestamp not null"]
    # a run adds to the months that its files are about, and late files look at the months from theirs on
    yield (
        TRACKING,
        _table(TRACKING, [*tracked, "hashdiff binary not null", *_ORIGIN])
        + "\npartitioned by (satellite, months(effective_at))",
    )


def render_zero_key(model: Model, hub: str) -> str:
    """The row of a hub that stands for "none"."""
    declared = model.hubs[hub]
    return f"""select {ZERO_KEY} as {quoted(declared.hash_key)},
    cast(null as string) as {quoted(declared.business_key)},
    timestamp '1970-01-01 00:00:00' as loaded_at, 0L as record_source, 0L as record_row, 1 as hash_version"""


def _satellite_columns(model: Model, name: str) -> list[str]:
    satellite = model.satellites[name]
    lines = [f"{quoted(model.satellite_key(name))} binary not null", "effective_at timestamp not null"]
    if satellite.status_of is not None:
        return [*lines, "is_deleted boolean not null"]
    if satellite.driving_key is not None:
        return [*lines, "link_hash_key binary not null"]
    columns = model.sources[satellite.source].columns
    payload = [f"{quoted(column)} {SPARK_TYPES[columns[column].type]}" for column in satellite.columns]
    return [*lines, "hashdiff binary not null", *payload]


def _table(name: str, columns: list[str]) -> str:
    return "create table if not exists {} (\n    {}\n) using iceberg".format(vault_table(name), ",\n    ".join(columns))

"""Spark's staged rows: typed values that came from staging, and the hashes that Spark computes of them itself.

The values come as JSON lines (functions/engine/staged_rows.py), where a date is a number of days and an instant one of
microseconds since 1970, so that no reading of dates is involved.
"""

from functions.model.declaration import ColumnType, Model
from functions.model.render.hash_keys import staged_hashdiff, staged_parent_key
from functions.model.render.spark.hash_keys import hashdiff, hashed, key_of, staged_line_key
from functions.model.render.spark.names import SPARK_TYPES, listed, quoted

_WRITTEN: dict[ColumnType, str] = {"date": "int", "timestamp": "bigint"}
_READ: dict[ColumnType, str] = {"date": "date_from_unix_date({})", "timestamp": "timestamp_micros({})"}

_STAGED = """with typed as (
    select object_id, row_number, {typed}
    from typed_rows
), named as (
    select *, {keys}
    from typed
), hashed as (
    select {apart}
    from named
)
select *, {is_overruled} as is_overruled
from hashed"""

_EACH_ROW = "row_number() over (partition by object_id, {link} order by row_number)"
_EACH_CONTENT = "dense_rank() over (partition by object_id, {link} order by {content})"


def written_schema(model: Model, source: str) -> str:
    """The columns of the JSON lines, with their types in Spark."""
    columns = model.sources[source].columns.items()
    written = [f"{quoted(name)} {_WRITTEN.get(each.type, SPARK_TYPES[each.type])}" for name, each in columns]
    return ", ".join(["object_id bigint", "row_number bigint", *written])


def render_staged(model: Model, source: str) -> str:
    """The rows of `typed_rows` (see `written_schema`), typed, with keys, hashdiffs and whether each is overruled.

    Rows of a file without a number that share a key get links of their own, but for the first. A row is overruled when
    a later one of its file has its key and says something else; only where a link has a driving key is that asked.
    """
    columns = model.sources[source].columns
    typed = [f"{_READ.get(each.type, '{}').format(quoted(name))} as {quoted(name)}" for name, each in columns.items()]
    keys = {staged: key_of(model, parent, columns) for staged, parent in model.hashes(source).items()}
    keys |= {
        staged_hashdiff(name, satellite): hashdiff(satellite.columns, columns)
        for name, satellite in model.satellites_of(source).items()
        if satellite.driving_key is None
    }
    return _STAGED.format(
        typed=", ".join(typed),
        keys=",\n        ".join(f"{expression} as {quoted(name)}" for name, expression in keys.items()),
        apart=_apart(model, source, list(keys)),
        is_overruled=_is_overruled(model, source, list(keys)),
    )


def _apart(model: Model, source: str, keys: list[str]) -> str:
    """All columns; where rows without a number share a link, its hash key is hashed once more with their count."""
    name = model.numbered_link(source)
    if name is None:
        return "*"
    link_key = staged_parent_key(model, name)
    content = listed(keys)
    counted = _EACH_ROW if model.sources[source].repeated_rows == "count" else _EACH_CONTENT
    number = counted.format(link=quoted(link_key), content=content)
    apart = hashed(f"concat({quoted(link_key)}, unhex(lpad(hex(cast({number} as bigint)), 16, '0')))")
    child = quoted(model.links[name].dependent_child_key or "")
    others = ["object_id", "row_number", *model.sources[source].columns, *(key for key in keys if key != link_key)]
    return f"""{listed(others)},
        case when {child} is null and {number} > 1 then {apart} else {quoted(link_key)} end as {quoted(link_key)}"""


def _is_overruled(model: Model, source: str, keys: list[str]) -> str:
    if model.numbered_link(source) is None:
        return "false"  # nobody asks
    group, key = staged_line_key(model, source)
    later = "order by row_number desc"
    return f"""row_number() over (partition by object_id, {group}, {key} {later}) > 1
        and row_number() over (partition by object_id, {listed(keys)} {later}) = 1"""

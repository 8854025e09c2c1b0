"""Spark's staged rows: typed values that came from staging, and the hashes that Spark computes of them itself.

The values come as functions/engine/copied_rows.py writes them. A decimal has all its digits there, and so in hashes; a
table holds it rounded to as many as it has room for.
"""

from functions.model.declaration import Column, ColumnType, Model
from functions.model.render.hash_keys import staged_hashdiff, staged_parent_key
from functions.model.render.spark.hash_keys import hashdiff, hashed, key_of, staged_line_key
from functions.model.render.spark.names import SPARK_TYPES, hashed_view, listed, quoted, repeated_view

_WRITTEN: dict[ColumnType, str] = {"decimal": "string", "date": "int", "timestamp": "bigint"}
_READ: dict[ColumnType, str] = {
    "decimal": f"cast({{}} as {SPARK_TYPES['decimal']})",
    "date": "date_from_unix_date({})",
    "timestamp": "timestamp_micros({})",
}

_BACKSLASH = 92
_STAND_IN = "char(0)"
"""For a backslash, while what follows one is read: no text of PostgreSQL holds it."""
_ESCAPED = {"b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
"""Characters that COPY writes as a backslash and a letter."""

_HASHED = """select object_id, row_number, {typed},
    {keys}
from {rows}"""

_TEXTS = """(
    select object_id, row_number, {texts}
    from typed_rows
) as read"""

# Most rows share their key with no other of their file: those that do are looked for by their keys alone, and only
# they are put in order.
_SEVERAL = """select object_id as in_object, {group} as group_key, {line} as line_key
from {hashed}
group by all
having count(*) > 1"""

_REPEATED = """with named as (
    select object_id, row_number, group_key, line_key, {needed}
    from {hashed}
    join several on in_object = object_id and group_key = {group} and line_key = {line}
), apart as (
    {apart}
), placed as (
    select *, {is_overruled} as is_overruled
    from apart
)
select object_id, row_number, {own}, is_overruled,
    row_number() over (partition by object_id, {own} order by row_number) = 1 as is_first,
    row_number() over (partition by object_id, {own} order by is_overruled, row_number desc) = 1 as is_last
from placed"""

_STAGED = """select {columns},
    coalesce(r.{own}, h.{own}) as {own}, coalesce(r.is_overruled, false) as is_overruled,
    coalesce(r.is_first, true) as is_first, coalesce(r.is_last, true) as is_last
from {hashed} as h
left join {repeated} as r on r.object_id = h.object_id and r.row_number = h.row_number"""

_STAGED_ONCE = """select *, false as is_overruled, true as is_first, true as is_last
from {hashed}"""

_EACH_ROW = "row_number() over (partition by object_id, {link} order by row_number)"
_EACH_CONTENT = "dense_rank() over (partition by object_id, {link} order by {content})"


_ROW_COUNTED = """select object_id, row_number, group_key, {line_key} as line_key, {others}, {link}
    from (
        select object_id, row_number, group_key, line_key, {child}, {others},
            case when {child} is null and {number} > 1 then {apart} else {link} end as {link}
        from named
    ) as counted"""


def written_schema(model: Model, source: str) -> str:
    """The columns of the lines, with their types in Spark."""
    columns = model.sources[source].columns.items()
    written = [f"{quoted(name)} {_WRITTEN.get(each.type, SPARK_TYPES[each.type])}" for name, each in columns]
    return ", ".join(["object_id bigint", "row_number bigint", *written])


def render_hashed(model: Model, source: str, *, is_escaped: bool) -> str:
    """The rows of `typed_rows` (see `written_schema`), typed, with keys and hashdiffs, each row by itself.

    `is_escaped`: texts may hold what COPY has escaped. Few files do, and it makes what Spark compiles much longer.
    """
    columns = model.sources[source].columns
    typed = [f"{_READ.get(each.type, '{}').format(quoted(name))} as {quoted(name)}" for name, each in columns.items()]
    keys = _hashes(model, source)
    read = [_read_text(name, each, is_escaped=is_escaped) for name, each in columns.items()]
    return _HASHED.format(
        rows="typed_rows" if read == list(map(quoted, columns)) else _TEXTS.format(texts=", ".join(read)),
        typed=", ".join(typed),
        keys=",\n    ".join(f"{expression} as {quoted(name)}" for name, expression in keys.items()),
    )


def render_several(model: Model, source: str) -> str:
    """The keys that several rows of a file have."""
    group, line = staged_line_key(model, source)
    return _SEVERAL.format(group=group, line=line, hashed=hashed_view(source))


def render_repeated(model: Model, source: str) -> str:
    """The rows with a key of `several`: what their own key is, and which of them speaks.

    Rows of a file without a number that share a key get links of their own, but for the first. A row is overruled when
    a later one of its file has its key and says something else; only where a link has a driving key is that asked.
    `is_first` and `is_last`: of the rows with its own key in its file, without those that are overruled.
    """
    group, line = staged_line_key(model, source)
    own = quoted(own_key(model, source))
    keys = list(_hashes(model, source))
    numbered = model.numbered_link(source)
    child = [] if numbered is None else [model.links[numbered].dependent_child_key or ""]
    return _REPEATED.format(
        group=group,
        line=line,
        own=own,
        hashed=hashed_view(source),
        needed=listed([*child, *keys]),
        apart=_apart(model, source, keys),
        is_overruled=_is_overruled(model, source, keys),
    )


def render_staged(model: Model, source: str, *, is_repeated: bool) -> str:
    """The rows of both views. Unless a key `is_repeated`, nothing stands in the second."""
    if not is_repeated:
        return _STAGED_ONCE.format(hashed=hashed_view(source))
    own = own_key(model, source)
    others = ["object_id", "row_number", *model.sources[source].columns, *_hashes(model, source)]
    return _STAGED.format(
        columns=listed((each for each in others if each != own), "h"),
        own=quoted(own),
        hashed=hashed_view(source),
        repeated=repeated_view(source),
    )


def own_key(model: Model, source: str) -> str:
    """The staged column of the key that tells the rows of a file apart."""
    return staged_parent_key(model, model.finest_parent(source))


def _hashes(model: Model, source: str) -> dict[str, str]:
    columns = model.sources[source].columns
    keys = {staged: key_of(model, parent, columns) for staged, parent in model.hashes(source).items()}
    return keys | {
        staged_hashdiff(name, satellite): hashdiff(satellite.columns, columns)
        for name, satellite in model.satellites_of(source).items()
        if satellite.driving_key is None
    }


def _read_text(name: str, column: Column, *, is_escaped: bool) -> str:
    """The text that COPY has written, which for an empty one is what it writes for NULL."""
    value = quoted(name)
    if column.type != "text":
        return value
    text = f"coalesce({value}, '')" if column.default == "" else value
    if is_escaped:
        backslash = f"char({_BACKSLASH})"
        read = f"replace({text}, {backslash} || {backslash}, {_STAND_IN})"
        for letter, code in _ESCAPED.items():
            read = f"replace({read}, {backslash} || '{letter}', char({code}))"
        text = f"if(contains({value}, {backslash}), replace({read}, {_STAND_IN}, {backslash}), {text})"
    return text if text == value else f"{text} as {value}"


def _apart(model: Model, source: str, keys: list[str]) -> str:
    """All columns; where rows without a number share a link, its hash key is hashed once more with their count."""
    name = model.numbered_link(source)
    if name is None:
        return "select * from named"
    link_key = staged_parent_key(model, name)
    counted = _EACH_ROW if model.sources[source].repeated_rows == "count" else _EACH_CONTENT
    number = counted.format(link=quoted(link_key), content=listed(keys))
    apart = hashed(f"concat({quoted(link_key)}, unhex(lpad(hex(cast({number} as bigint)), 16, '0')))")
    child = quoted(model.links[name].dependent_child_key or "")
    return _ROW_COUNTED.format(
        line_key=f"case when {child} is null then {quoted(link_key)} else line_key end",
        others=listed(key for key in keys if key != link_key),
        link=quoted(link_key),
        child=child,
        number=number,
        apart=apart,
    )


def _is_overruled(model: Model, source: str, keys: list[str]) -> str:
    if model.numbered_link(source) is None:
        return "false"  # nobody asks
    later = "order by row_number desc"
    return f"""row_number() over (partition by object_id, group_key, line_key {later}) > 1
        and row_number() over (partition by object_id, {listed(keys)} {later}) = 1"""

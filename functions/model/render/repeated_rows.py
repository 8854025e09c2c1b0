"""Statements that find the rows of a file which another row of it repeats or overrules. Rendered from the model.

Parameter: `object_ids` (an array).
"""

from psycopg import sql

from functions.model.declaration import Model
from functions.model.render.hash_keys import staged_hashdiff, staged_line_key, staged_parent_key

_REPEATED = """with named as not materialized (
    select object_id, row_number, {group} as group_key, {key} as line_key, {content}
    from {staging}
    where object_id = any(%(object_ids)s)
), repeated as materialized (
    select object_id, group_key, line_key
    from named
    group by object_id, group_key, line_key
    having count(*) > 1
), placed as (
    select
        object_id,
        row_number,
        row_number() over (partition by object_id, group_key, line_key order by row_number desc) > 1 as is_repeated,
        row_number() over (partition by object_id, {content} order by row_number desc) > 1 as is_duplicate
    from named
    join repeated using (object_id, group_key, line_key)
)
insert into metadata.repeated_row (object_id, row_number, is_overruled)
select object_id, row_number, not is_duplicate
from placed
where is_repeated"""

_NUMBERED_APART = """update {staging} as s
set {link} = substring(sha256(s.{link} || int8send(apart.number)) for 16)
from (
    select object_id, row_number, {number} as number
    from {staging}
    where object_id = any(%(object_ids)s) and {child} is null
) as apart
where apart.number > 1
    and s.object_id = any(%(object_ids)s)
    and s.object_id = apart.object_id
    and s.row_number = apart.row_number"""

_IS_REPEATED = """exists (
    select from {staging} where object_id = %(object_id)s and {rows} group by {key} having count(*) > 1
)"""

_EACH_ROW = "row_number() over (partition by object_id, {link} order by row_number)"
_EACH_CONTENT = "dense_rank() over (partition by object_id, {link} order by {content})"


def render_repeats(model: Model, source: str) -> sql.Composed:
    """Whether any key is in several rows of a file, which is quickly seen: most repeat none. Parameter: `object_id`."""
    staging = sql.Identifier("staging", source)
    parent = model.finest_parent(source)
    key = sql.Identifier(staged_parent_key(model, parent))
    link = model.links.get(parent)
    if link is None or link.driving_key is None or link.dependent_child_key is None:
        return sql.SQL("select {}").format(sql.SQL(_IS_REPEATED).format(staging=staging, rows=sql.SQL("true"), key=key))
    child = sql.Identifier(link.dependent_child_key)
    numbered = sql.SQL(", ").join([sql.Identifier(model.hubs[link.driving_key].hash_key), child])
    return sql.SQL("select {} or {}").format(
        sql.SQL(_IS_REPEATED).format(staging=staging, rows=sql.SQL("{} is null").format(child), key=key),
        sql.SQL(_IS_REPEATED).format(staging=staging, rows=sql.SQL("{} is not null").format(child), key=numbered),
    )


def render_repeated_rows(model: Model, source: str) -> sql.Composed:
    """Of the rows of one file with one key the last one speaks: note the others, and whether they say something else.

    Rows that are equal in every column are duplicates of the last of them.
    """
    group, key = staged_line_key(model, source)
    return sql.SQL(_REPEATED).format(
        group=group,
        key=key,
        content=_content(model, source),
        staging=sql.Identifier("staging", source),
    )


def render_numbered_apart(model: Model, source: str) -> sql.Composed | None:
    """Give rows of a file without a number that share a key links of their own; None for a source without such.

    The first keeps its key, the others get their count. Rows that are equal in every column share a count, unless the
    model counts them (Source.repeated_rows). Again: changes nothing.
    """
    name = model.numbered_link(source)
    if name is None:
        return None
    link = sql.Identifier(staged_parent_key(model, name))
    number = _EACH_ROW if model.sources[source].repeated_rows == "count" else _EACH_CONTENT
    return sql.SQL(_NUMBERED_APART).format(
        staging=sql.Identifier("staging", source),
        link=link,
        number=sql.SQL(number).format(link=link, content=_content(model, source)),
        child=sql.Identifier(model.links[name].dependent_child_key or ""),
    )


def _content(model: Model, source: str) -> sql.Composed:
    """The hashes that are equal in two rows if all that they say is."""
    hashdiffs = [
        staged_hashdiff(name, satellite)
        for name, satellite in model.satellites_of(source).items()
        if satellite.driving_key is None
    ]
    return sql.SQL(", ").join(sql.Identifier(name) for name in [*model.hashes(source), *hashdiffs])

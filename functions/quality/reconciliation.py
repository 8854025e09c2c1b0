"""What became of every staged row and of every measure, written to the ledger of object versions.

A row is loaded when it added a version to any satellite, duplicate when it repeats the row of its key before it in the
file, and unchanged when it equals the version in force. A measure's sum is followed from the file to the vault.
"""

from psycopg import sql
from psycopg.types.json import Jsonb

from functions.common.database import Connection
from functions.model.declaration import Model
from functions.model.row_expressions import rules, staged_hashdiff, staged_key, staged_parent_key

# The vault's value of a measure counts where the row added a version, the staged one where it did not have to.
_COUNT = """select s.object_id, count(*), count(*) filter (where {is_loaded}){sums}
from {staging} as s{tables}
where s.object_id = any(%(object_ids)s)
group by s.object_id"""

_TABLE = """
left join {table} as {name} on {name}.record_source = any(%(object_ids)s)
    and {name}.record_source = s.object_id and {name}.record_row = s.row_number"""

_DUPLICATE = """with followed as (
    select object_id, row_number, {content} = lag({content}) over (
        partition by object_id, {keys} order by row_number
    ) as repeats
    from {staging}
    where object_id = any(%(object_ids)s)
)
select s.object_id, count(*)
from followed as s{tables}
where s.repeats and not ({is_loaded})
group by s.object_id"""


def account(connection: Connection, model: Model, object_ids: list[int]) -> None:
    """Write to the ledger, for each of these staged objects, its loaded, duplicate and unchanged rows and its sums."""
    connection.execute("set local work_mem = '64MB'")
    # of rows just loaded the planner knows nothing yet: it takes them for few, and would fetch them one by one
    connection.execute("set local enable_mergejoin = off")
    connection.execute(
        "update metadata.object_version set rows_loaded = 0, rows_duplicate = 0, rows_unchanged = 0"
        " where object_id = any(%s)",
        (object_ids,),
    )
    for source in model.sources:
        _account(connection, model, source, object_ids)


def unreconciled(connection: Connection, object_ids: list[int]) -> list[str]:
    """Which measures of which objects do not add up: file = quarantined + staged, and staged = vault, to the digit."""
    rows = connection.execute(
        "select o.object_id, m.key from metadata.object_version as o, jsonb_each(o.measures) as m"
        " where o.object_id = any(%s) and ("
        " (m.value ->> 'file')::numeric is distinct from"
        " (m.value ->> 'quarantined')::numeric + (m.value ->> 'staged')::numeric"
        " or (m.value ->> 'staged')::numeric is distinct from (m.value ->> 'vault')::numeric"
        ") order by 1, 2",
        (object_ids,),
    )
    return [f"{measure} of object {object_id}" for object_id, measure in rows]


def _account(connection: Connection, model: Model, source: str, object_ids: list[int]) -> None:
    measures = model.sources[source].measures
    parameters = {"object_ids": object_ids}
    counted = connection.execute(render_count(model, source), parameters).fetchall()
    # most files repeat nothing, and what is all loaded need not be searched
    repeating = any(staged > loaded for _, staged, loaded, *_ in counted)
    duplicates = _duplicates(connection, model, source, object_ids) if repeating else {}
    followed = _quarantined_measures(connection, model, source, object_ids)
    for object_id, staged, loaded, *sums in counted:
        duplicate = duplicates.get(object_id, 0)
        connection.execute(
            "update metadata.object_version set rows_loaded = %s, rows_duplicate = %s, rows_unchanged = %s"
            " where object_id = %s",
            (loaded, duplicate, staged - loaded - duplicate, object_id),
        )
        for name, staged_sum, vault_sum in zip(measures, sums[::2], sums[1::2], strict=True):
            followed[object_id][name] |= {"staged": str(staged_sum), "vault": str(vault_sum)}
    for object_id, sums_by_measure in followed.items():
        for name, told in sums_by_measure.items():
            connection.execute(
                "update metadata.object_version set measures = jsonb_set(measures, %s, measures -> %s || %s)"
                " where object_id = %s",
                ([name], name, Jsonb(told), object_id),
            )


def _duplicates(connection: Connection, model: Model, source: str, object_ids: list[int]) -> dict[int, int]:
    rows = connection.execute(render_duplicate(model, source), {"object_ids": object_ids}).fetchall()
    return {object_id: count for object_id, count in rows}  # noqa: C416 - dict() of untyped rows has no type


def _quarantined_measures(
    connection: Connection, model: Model, source: str, object_ids: list[int]
) -> dict[int, dict[str, dict[str, str]]]:
    """Object -> measure -> what its rejected rows add up to, where they hold a number."""
    measures = model.sources[source].measures
    if not measures:
        return {}
    sums = [
        sql.SQL("coalesce(sum({0}::numeric) filter (where {1}), 0)").format(
            sql.Identifier(name), rules(model, source)[f"{name}.type"]
        )
        for name in measures
    ]
    statement = sql.SQL(
        """select object_id, {sums}
from (
    select o.object_id, {values}
    from metadata.object_version as o
    left join metadata.quarantine as q using (object_id)
    where o.object_id = any(%s) and o.source = {source}
) as rejected
group by object_id"""
    ).format(
        sums=sql.SQL(", ").join(sums),
        values=sql.SQL(", ").join(
            sql.SQL("q.raw ->> {} as {}").format(name, sql.Identifier(name)) for name in measures
        ),
        source=source,
    )
    return {
        object_id: {
            name: {"quarantined": str(value), "staged": "0", "vault": "0"}
            for name, value in zip(measures, values, strict=True)
        }
        for object_id, *values in connection.execute(statement, (object_ids,))
    }


def _tables(model: Model, source: str) -> list[str]:
    """The tables to which a row may add: the satellites, and links that have none."""
    return [*model.satellites_of(source), *_links_alone(model, source)]


def _joined(model: Model, source: str) -> dict[str, sql.Composable]:
    """Where a staged row `s` added to a table: joins to all of them, and the condition that one of them has it."""
    names = _tables(model, source)
    return {
        "tables": sql.SQL("").join(
            sql.SQL(_TABLE).format(table=sql.Identifier("raw_vault", name), name=sql.Identifier(name)) for name in names
        ),
        "is_loaded": sql.SQL(" or ").join(sql.SQL("{}.record_row is not null").format(sql.Identifier(n)) for n in names)
        if names
        else sql.SQL("false"),
    }


def _links_alone(model: Model, source: str) -> list[str]:
    """The links of a source on which no satellite hangs: a row that only adds to one of them has told something too."""
    parents = {satellite.parent for satellite in model.satellites.values()}
    return [name for name, link in model.links.items() if link.source == source and name not in parents]


def render_count(model: Model, source: str) -> sql.Composed:
    """For each object: its staged rows, those that added a version, and each measure in staging and in the vault."""
    sums = [
        sql.SQL(", coalesce(sum(s.{0}), 0), coalesce(sum(coalesce({1}.{0}, s.{0})), 0)").format(
            sql.Identifier(name), sql.Identifier(model.satellite_of_measure(source, name))
        )
        for name in model.sources[source].measures
    ]
    return sql.SQL(_COUNT).format(
        sums=sql.SQL("").join(sums), staging=sql.Identifier("staging", source), **_joined(model, source)
    )


def render_duplicate(model: Model, source: str) -> sql.Composed:
    """For each object: its rows that repeat the row of their key before them."""
    satellites = model.satellites_of(source)
    hashdiffs = [sql.Identifier(staged_hashdiff(name, satellite)) for name, satellite in satellites.items()]
    keys = {staged_key(model, satellite) for satellite in satellites.values()}
    keys |= {staged_parent_key(model, link) for link in _links_alone(model, source)}
    return sql.SQL(_DUPLICATE).format(
        content=sql.SQL("({})").format(sql.SQL(" || ").join(hashdiffs)),
        keys=sql.SQL(", ").join(sql.Identifier(key) for key in sorted(keys)),
        staging=sql.Identifier("staging", source),
        **_joined(model, source),
    )

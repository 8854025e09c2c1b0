"""Statements that count what became of staged rows, and sum measures on their way. Rendered from the model.

Parameter: `object_ids` (an array).
"""

from psycopg import sql

from functions.model.declaration import Model
from functions.model.render.plain_cells import plain_cell
from functions.model.render.row_rules import rules

# The vault's value of a measure counts where the row added a version, the staged one where it did not have to.
_COUNT = """select s.object_id, count(*), count(*) filter (where ({is_loaded}) and repeated.object_id is null){sums}
from {staging} as s{tables}
left join metadata.repeated_row as repeated on repeated.object_id = s.object_id and repeated.row_number = s.row_number
where s.object_id = any(%(object_ids)s)
group by s.object_id"""

_SUMS = """,
    coalesce(sum(s.{measure}), 0),
    coalesce(sum(coalesce({satellite}.{measure}, s.{measure})) filter (where repeated.object_id is null), 0),
    coalesce(sum(s.{measure}) filter (where not repeated.is_overruled), 0),
    coalesce(sum(s.{measure}) filter (where repeated.is_overruled), 0)"""

_TABLE = """
left join {table} as {name} on {name}.record_source = any(%(object_ids)s)
    and {name}.record_source = s.object_id and {name}.record_row = s.row_number"""


def render_count(model: Model, source: str) -> sql.Composed:
    """For each object: its staged rows, those that added a version, and each measure's sums.

    The sums: in staging, in the vault, of the duplicate rows, and of those that another row of their file overrules.
    """
    sums = [
        sql.SQL(_SUMS).format(
            measure=sql.Identifier(name), satellite=sql.Identifier(model.satellite_of_measure(source, name))
        )
        for name in model.sources[source].measures
    ]
    return sql.SQL(_COUNT).format(
        sums=sql.SQL("").join(sums), staging=sql.Identifier("staging", source), **_joined(model, source)
    )


def render_quarantined(model: Model, source: str) -> sql.Composed:
    """For each object: the sum of each measure over its rows in quarantine, where they hold a number.

    For a source with measures.
    """
    declared = model.sources[source]
    measures = declared.measures
    sums = [
        sql.SQL("coalesce(sum({0}::numeric) filter (where {1}), 0)").format(
            sql.Identifier(name), rules(model, source)[f"{name}.type"]
        )
        for name in measures
    ]
    return sql.SQL(
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
            sql.SQL("{} as {}").format(
                plain_cell(declared, declared.columns[name], sql.SQL("(q.raw ->> {})").format(name)),
                sql.Identifier(name),
            )
            for name in measures
        ),
        source=source,
    )


def _tables(model: Model, source: str) -> list[str]:
    """The tables to which a row may add: the satellites, and links that have none."""
    return [*model.satellites_of(source), *model.links_alone(source)]


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

"""What became of every staged row: it added a version, repeats its file, or equals the version in force."""

from psycopg import sql

from functions.common.database import Connection
from functions.load.expressions import staged_hashdiff, staged_key
from functions.load.model import Model

# A row whose key and content equal those of the key's row before it in the file repeats it, unless a version hangs on
# it all the same (an order's details that changed to and fro between its lines).
_COUNT = """with told as (
    select object_id, row_number, false as is_version, {content} = lag({content}) over (
        partition by object_id, {keys} order by row_number
    ) as repeats
    from {staging}
    where object_id = any(%(object_ids)s)
    union all
    {versions}
), judged as (
    select object_id, row_number, bool_or(is_version) as is_version, coalesce(bool_or(repeats), false) as repeats
    from told
    group by object_id, row_number
)
select
    object_id,
    count(*) filter (where is_version),
    count(*) filter (where not is_version and repeats),
    count(*) filter (where not is_version and not repeats)
from judged
group by object_id"""


def account(connection: Connection, model: Model, object_ids: list[int]) -> None:
    """Write to the ledger, for each of these staged objects, how many rows were loaded, duplicate and unchanged."""
    connection.execute("set local work_mem = '64MB'")
    for source in model.sources:
        satellites = model.satellites_of(source)
        if not satellites:
            continue
        hashdiffs = [sql.Identifier(staged_hashdiff(name, satellite)) for name, satellite in satellites.items()]
        keys = {staged_key(model, satellite) for satellite in satellites.values()}
        versions = [
            sql.SQL(
                "select record_source, record_row, true, null from {} where record_source = any(%(object_ids)s)"
            ).format(sql.Identifier("raw_vault", name))
            for name in satellites
        ]
        statement = sql.SQL(_COUNT).format(
            content=sql.SQL("({})").format(sql.SQL(" || ").join(hashdiffs)),
            keys=sql.SQL(", ").join(sql.Identifier(key) for key in sorted(keys)),
            staging=sql.Identifier("staging", source),
            versions=sql.SQL("\n    union all\n    ").join(versions),
        )
        counted = connection.execute(statement, {"object_ids": object_ids}).fetchall()
        with connection.cursor() as cursor:
            cursor.executemany(
                "update metadata.object_version"
                " set rows_loaded = %s, rows_duplicate = %s, rows_unchanged = %s where object_id = %s",
                [(loaded, duplicate, unchanged, object_id) for object_id, loaded, duplicate, unchanged in counted],
            )
    # a file without a valid row has no row in staging to count
    connection.execute(
        "update metadata.object_version set rows_loaded = 0, rows_duplicate = 0, rows_unchanged = 0"
        " where object_id = any(%s) and rows_loaded is null",
        (object_ids,),
    )

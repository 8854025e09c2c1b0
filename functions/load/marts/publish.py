"""Publish the marts: recompute the rows of the keys that a run touched, all marts in one transaction."""

from collections.abc import Mapping
from datetime import UTC, datetime

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import QualityError
from functions.common.ledger import active_run, lock, objects_of
from functions.common.sql_files import read_sql
from functions.load.marts.rows import advise_planner, write_everything, write_touched
from functions.load.marts.summaries import sum_changed_lines, sum_every_line
from functions.load.recorded_step import recorded_step
from functions.load.retraction import note_published, unpublished_retractions
from functions.model.reading import load_model
from functions.model.render import marts as render_marts
from functions.model.render.marts import Scope, satellites

MARTS = ("mart_order_line", "mart_product_analytics", "mart_customer_360")
"""In the order in which they build on each other: what customers like depends on what categories products have."""

SHARE_OF_ALL = 0.5
"""When so many of all order lines may have changed, computing all anew is less work than finding out which did."""


def publish(connection: Connection, run_id: str, at: datetime | None = None) -> dict[str, int]:
    """Bring the marts up to date with what the run's objects changed, and with what has come into force since the last
    publication; return rows written by mart.

    Today moves on to the day of the run, also when it has no objects. The marts show what is in force `at` an instant
    (None: now, by the database's clock), or at the last publication if that is later. Publishing a run twice writes the
    same rows again and changes nothing. Raises RunNotActiveError, and QualityError when the marts do not add up to the
    vault.
    """
    run = active_run(connection, run_id)
    begin_publication(connection)
    _move_anchor(connection, run.loaded_at)
    in_force_before = _move_instant(connection, at)
    published = connection.execute("select exists (select from metadata.mart_publication)").fetchone()
    is_first = published != (True,) or in_force_before is None
    connection.execute(read_sql("marts/counted_object.sql"))
    retracted = unpublished_retractions(connection)
    coming = [] if is_first else _coming_into_force(connection, in_force_before)
    object_ids = objects_of(connection, run_id, ["STAGED"])
    are_all = is_first or _are_most(connection, object_ids + retracted + coming)
    if are_all:
        written = _publish_everything(connection, run_id)
    else:
        written = _publish_touched(connection, run_id, object_ids, retracted, coming)
    with recorded_step(connection, run_id, "summaries") as step:
        step.rows = sum_every_line(connection) if are_all else sum_changed_lines(connection)
    note_published(connection, run_id, retracted)
    complete_publication(connection, customers_changed=written["mart_customer_360"] > 0)
    return written


def begin_publication(connection: Connection) -> None:
    """Wait for the publication before; until the transaction ends, nobody else publishes."""
    lock(connection, "publication")  # each reads what the one before wrote
    connection.execute("set local work_mem = '64MB'")
    # what is computed goes into tables of this session, so that a second process may share the work; each that shares a
    # hash table adds to the memory it may take
    connection.execute(
        "select set_config('max_parallel_workers_per_gather',"
        " least(1, current_setting('max_parallel_workers_per_gather')::integer)::text, true)"
    )
    connection.execute("set local parallel_setup_cost = 100")
    connection.execute("set local parallel_tuple_cost = 0.01")


def reconcile(connection: Connection, scope: Scope) -> None:
    """Compare what the marts hold of the keys in scope with what it was made of.

    Raises QualityError naming what differs.
    """
    advise_planner(connection, scope)
    differing = [
        f"{rule} is {in_mart}, made of {made_of}"
        for rule, made_of, in_mart in connection.execute(scope.reconciliation())
        if made_of != in_mart
    ]
    if differing:
        raise QualityError(f"the marts do not add up and are not published: {'; '.join(differing)}")


def complete_publication(connection: Connection, *, customers_changed: bool) -> None:
    """What depends on all customers at once, and the indexes when this is the first publication."""
    # between publications the clickstream adds rows without details to these, uncounted
    for mart in ("mart_customer_360", "mart_product_analytics"):
        connection.execute(
            sql.SQL("update metadata.mart_publication set rows = (select count(*) from {}) where mart = {}").format(
                sql.Identifier("business_vault", mart), mart
            )
        )
    if customers_changed:
        connection.execute(read_sql("marts/quintiles.sql"))
    connection.execute("select business_vault.index_for_readers()")
    connection.execute("drop table staging.counted_object")


def _are_most(connection: Connection, object_ids: list[int]) -> bool:
    """Whether these objects change so many order lines that all are computed anew with less work."""
    row = connection.execute(
        "select coalesce(sum(o.rows_loaded), 0)::bigint,"
        " (select p.rows from metadata.mart_publication as p where p.mart = 'mart_order_line')"
        " from metadata.object_version as o where o.object_id = any(%s) and o.source = %s",
        (object_ids, load_model().satellites["sat_order_line"].source),
    ).fetchone()
    changed, lines = row or (0, None)
    return lines is not None and changed > render_marts.FEW_KEYS and changed >= SHARE_OF_ALL * lines


def _publish_everything(connection: Connection, run_id: str) -> dict[str, int]:
    written = {}
    for mart in MARTS:
        with recorded_step(connection, run_id, mart) as step:
            step.rows = write_everything(connection, mart)
        written[mart] = step.rows
        _note(connection, mart, run_id, step.rows, are_all=True)
    reconcile(connection, Scope())
    return written


def _publish_touched(
    connection: Connection, run_id: str, object_ids: list[int], retracted: list[int], coming: list[int]
) -> dict[str, int]:
    touched = _find_touched(connection, object_ids, retracted, coming)
    rows: dict[str, int] = dict(connection.execute("select mart, rows from metadata.mart_publication").fetchall())
    written = {}
    for mart in MARTS:
        removed = 0
        with recorded_step(connection, run_id, mart) as step:
            if touched[mart]:
                scope = Scope(touched[mart], rows.get(mart))
                advise_planner(connection, scope)
                removed = connection.execute(
                    read_sql(f"marts/remove_touched_{mart.removeprefix('mart_')}.sql")
                ).rowcount
                step.rows = write_touched(connection, scope, mart)
        written[mart] = step.rows
        _note(connection, mart, run_id, step.rows - removed, are_all=False)
        if mart == "mart_product_analytics" and touched[mart]:
            touched["mart_customer_360"] += _touch_buyers(connection)
    if any(touched.values()):
        reconcile(connection, Scope(max(touched.values())))
    return written


def _note(connection: Connection, mart: str, run_id: str, rows: int, *, are_all: bool) -> None:
    """Move the watermark of the mart to this run. `rows`: all that it has now, or how many more than before."""
    connection.execute(
        "insert into metadata.mart_publication as p (mart, run_id, published_at, rows) values (%s, %s, now(), %s)"
        " on conflict (mart) do update"
        " set run_id = excluded.run_id, published_at = excluded.published_at,"
        " rows = excluded.rows + case when %s then 0 else p.rows end",
        (mart, run_id, rows, are_all),
    )


def _move_anchor(connection: Connection, loaded_at: datetime) -> None:
    """Never back: a run that is resumed days later publishes after younger ones."""
    connection.execute(
        "insert into business_vault.mart_anchor as a (anchor) values (%s)"
        " on conflict (is_only) do update set anchor = excluded.anchor where a.anchor < excluded.anchor",
        (loaded_at.astimezone(UTC).date(),),
    )


def _move_instant(connection: Connection, at: datetime | None) -> datetime | None:
    """Never back, either. Returns the instant of the publication before; None: this is the first."""
    before = connection.execute("select in_force_at from metadata.mart_instant").fetchone()
    connection.execute(
        "insert into metadata.mart_instant as i (in_force_at) values (coalesce(%s, now()))"
        " on conflict (is_only) do update set in_force_at = greatest(i.in_force_at, excluded.in_force_at)",
        (at,),
    )
    return before[0] if before else None


def _coming_into_force(connection: Connection, since: datetime | None) -> list[int]:
    """Objects that earlier runs have loaded and that have come into force since that instant."""
    rows = connection.execute(
        "select o.object_id from metadata.object_version as o"
        " where o.effective_at > %s and o.status = 'LOADED'"
        " and o.effective_at <= (select i.in_force_at from metadata.mart_instant as i)",
        (since,),
    )
    return [row[0] for row in rows]


def _find_touched(
    connection: Connection, object_ids: list[int], retracted: list[int], coming: list[int]
) -> dict[str, int]:
    """Make the temporary tables touched_… and replaced_…; return how many keys of each mart are touched."""
    changed = {
        row[0]
        for row in connection.execute(
            # of what an earlier run began to load, the steps of all runs between would have to be known
            "select l.vault_table from metadata.vault_load as l join metadata.object_version as o using (object_id)"
            " where l.object_id = any(%s) and (l.run_id <> o.run_id or exists ("
            "select from metadata.load_step as s where s.run_id = l.run_id and s.step = l.vault_table and s.rows > 0))",
            (object_ids,),
        )
    }
    # an array in the text of the statement: the planner sees how few objects these are
    new = sql.SQL("s.record_source = any({}::bigint[])").format(sql.Literal(object_ids + retracted + coming))
    is_any_changed = bool(retracted or coming)
    conditions = {name: new if is_any_changed or name in changed else sql.SQL("false") for name in satellites()}
    named = sql.SQL("s.object_id = any({}::bigint[])").format(sql.Literal(object_ids))
    conditions["hub_customer"] = named if "hub_customer" in changed else sql.SQL("false")
    unchanged = sql.SQL("t.record_source = any({}::bigint[])").format(sql.Literal(retracted))
    conditions["unchanged_of_retracted"] = unchanged if retracted else sql.SQL("false")
    first_named = sql.SQL("h.record_source = any({}::bigint[])").format(sql.Literal(retracted + coming))
    conditions["first_named"] = first_named if is_any_changed else sql.SQL("false")
    orders = _touch(connection, "touched_order", conditions)
    scope = Scope(orders)
    advise_planner(connection, scope)
    _touch(connection, "touched_keys", conditions | {"owners": scope.owners})
    counted = connection.execute(
        "select (select count(*) from touched_product), (select count(*) from touched_customer)"
    ).fetchone()
    return dict(zip(MARTS, (orders, *(counted or ())), strict=True))


def _touch(connection: Connection, file: str, parts: Mapping[str, sql.SQL | sql.Composed]) -> int:
    """Run a file of statements; returns the rows of the first of them."""
    return connection.execute(read_sql(f"marts/{file}.sql").format(**parts)).rowcount


def _touch_buyers(connection: Connection) -> int:
    """Customers who are touched because a product has changed its category; return how many more these are."""
    connection.execute("reset enable_nestloop")  # mostly none, or few of a mart with statistics
    orders = connection.execute(read_sql("marts/renamed_order.sql")).rowcount
    if not orders:
        return 0
    connection.execute("analyze renamed_order")
    scope = Scope(orders)
    advise_planner(connection, scope)
    return _touch(connection, "buyers", {"owners": scope.owners})

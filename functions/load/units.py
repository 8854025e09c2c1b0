"""A long step in units, each a transaction: what one call has done, the next one does not do again."""

from collections.abc import Callable, Mapping
from typing import Any

from psycopg.types.json import Jsonb

from functions.common.database import Connection
from functions.load.recorded_step import recorded_step
from functions.load.time_left import SecondsLeft
from functions.load.vault.pace import BATCH_RESERVE_SECONDS

type Unit = Callable[[Connection], Any]
"""Does its part of the step, and returns what the end of the step needs to know, as JSON has it."""

_FORGET_ALL = "delete from metadata.step_unit where done_at < now() - interval '15 days'"
"""Of runs that died: none is redriven after 14 days ("Redriving executions", Step Functions guide)."""


def do_units(
    connection: Connection, run_id: str, step: str, units: Mapping[str, Unit], seconds_left: SecondsLeft
) -> dict[str, Any] | None:
    """Do, in their order, the units of the step that no call has done; return the results of all by their names.

    None: more is to be done in another call. No unit begins with less than BATCH_RESERVE_SECONDS left, apart from the
    first, so that every call gets on. The caller has no transaction open, and calls `forget_units` in the one that ends
    the step.
    """
    with connection.transaction():
        results = units_done(connection, run_id, step)
    has_begun = False
    for name, unit in units.items():
        if name in results:
            continue
        if has_begun and seconds_left() < BATCH_RESERVE_SECONDS:
            return None
        has_begun = True
        with connection.transaction(), recorded_step(connection, run_id, step):
            results[name] = unit(connection)
            record_unit(connection, run_id, step, name, results[name])
    return results


def units_done(connection: Connection, run_id: str, step: str) -> dict[str, Any]:
    """The results of the units of a step that are done, by their names."""
    return dict(
        connection.execute(
            "select unit, result from metadata.step_unit where run_id = %s and step = %s", (run_id, step)
        ).fetchall()
    )


def record_unit(connection: Connection, run_id: str, step: str, unit: str, result: Any) -> None:
    """Say that a unit is done, in the transaction that does it; a call that came twice says so over the other."""
    connection.execute(
        "insert into metadata.step_unit (run_id, step, unit, result) values (%s, %s, %s, %s)"
        " on conflict (run_id, step, unit) do update set result = excluded.result, done_at = excluded.done_at",
        (run_id, step, unit, Jsonb(result)),
    )


def forget_units(connection: Connection, run_id: str, step: str) -> None:
    """The step is done, or begins anew: its units are none any more."""
    connection.execute("delete from metadata.step_unit where run_id = %s and step = %s", (run_id, step))
    connection.execute(_FORGET_ALL)

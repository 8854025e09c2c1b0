"""Check the vault after a load: in one transaction, or, of very many rows, in units that outlive a function's time."""

from functions.common.database import Connection
from functions.load.recorded_step import recorded_step
from functions.load.time_left import SecondsLeft
from functions.load.units import do_units, forget_units
from functions.load.vault import pace
from functions.model.declaration import Model
from functions.quality.checks import CheckResult, check_vault, conclude_vault, vault_units

STEP = "check_vault"


def check_in_units(
    connection: Connection, model: Model, run_id: str, seconds_left: SecondsLeft
) -> list[CheckResult] | None:
    """The results of all checks of the vault; None: more is to be checked, in another call.

    The caller has no transaction open. Raises RunNotActiveError.
    """
    with connection.transaction():
        rows = _rows_staged(connection, run_id)
        if rows <= pace.BATCH_ROWS:
            with recorded_step(connection, run_id, STEP) as step:
                results = check_vault(connection, model, run_id)
                step.rows = len(results)
            return results
        units = vault_units(connection, model, run_id, pace.BATCH_ROWS)
    found = do_units(connection, run_id, STEP, units, seconds_left)
    if found is None:
        return None
    with connection.transaction(), recorded_step(connection, run_id, STEP) as step:
        results = conclude_vault(connection, model, run_id, found)
        forget_units(connection, run_id, STEP)  # what is repaired after a failure is checked anew
        step.rows = len(results)
    return results


def _rows_staged(connection: Connection, run_id: str) -> int:
    row = connection.execute(
        "select coalesce(sum(rows_read), 0)::bigint from metadata.object_version"
        " where run_id = %s and status = 'STAGED'",
        (run_id,),
    ).fetchone()
    return int(row[0]) if row else 0

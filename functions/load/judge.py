"""Judge a run's staged files together, before anything is loaded: which are set aside, and which lists are held."""

from functions.common.database import Connection
from functions.common.errors import C360Error
from functions.load.staging.partial_files import refuse_partial_files
from functions.load.staging.set_aside import hold
from functions.model.declaration import Model
from functions.quality.results import CheckResult, keep
from functions.quality.snapshots import judge_lists, results


class NotStagedError(C360Error):
    """Files of the run are in no state that it could go on from: whoever staged them did not say how that ended."""


def refuse_unstaged(connection: Connection, run_id: str) -> None:
    """Raise NotStagedError when a file of the run was neither staged nor set aside: it would be left out in silence.

    A failure of a child of a Distributed Map fails the run on AWS, and not on LocalStack.
    """
    keys = connection.execute(
        "select object_key from metadata.object_version where run_id = %s and status = 'PLANNED'"
        " order by object_key limit 10",
        (run_id,),
    ).fetchall()
    if keys:
        raise NotStagedError("files were not staged: resume the run", run_id=run_id, keys=[key for (key,) in keys])


def judge_files(connection: Connection, model: Model, run_id: str) -> list[CheckResult]:
    """Set aside files that lack filled columns, and hold lists that lack too much; the others go on.

    Returns the results of the list checks. Called again, it judges what is still staged.
    """
    refuse_partial_files(connection, model, run_id)
    verdicts = judge_lists(connection, model, run_id)
    for verdict in verdicts:
        if verdict.reason is not None:
            for object_id in verdict.object_ids:
                hold(connection, run_id, object_id, verdict.reason)
    return keep(connection, run_id, "staging", list(results(model, verdicts)))

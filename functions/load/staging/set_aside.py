"""Files that cannot be staged: set aside for a reason of their own, while the others go on."""

from functions.common.database import Connection
from functions.common.errors import FileRejectedError, UnreadableObjectError
from functions.common.ledger import ClaimedObject, active_run, claimed_object
from functions.common.logging import logger
from functions.load.staging.deduplication import RepeatedContentError
from functions.load.staging.parts import forget_object

type SetAsideError = RepeatedContentError | FileRejectedError | UnreadableObjectError
SET_ASIDE_ERRORS = (RepeatedContentError, FileRejectedError, UnreadableObjectError)
"""What is wrong with one file, and no reason to stop the run."""

_STATUSES: dict[type[Exception], str] = {
    RepeatedContentError: "REPEATED",
    FileRejectedError: "REJECTED",
    UnreadableObjectError: "UNREADABLE",
}


def set_aside(connection: Connection, run_id: str, item: ClaimedObject, error: SetAsideError) -> str:
    """Give a file up, and all that was staged of it, for the reason that the error gives; return its status."""
    status = _STATUSES[type(error)]
    content_sha256 = error.content_sha256 if isinstance(error, RepeatedContentError) else None
    logger.warning("file not staged", extra={"run_id": run_id, "key": item.key, "status": status, "reason": str(error)})
    forget_object(connection, item.source, item.object_id)
    connection.execute(
        "update metadata.object_version set status = %s, reason = %s, content_sha256 = %s, attempts = attempts + %s"
        " where object_id = %s",
        (status, str(error), content_sha256, int(status == "UNREADABLE"), item.object_id),
    )
    return status


def hold(connection: Connection, run_id: str, object_id: int, reason: str) -> None:
    """Hold a staged list, and forget what was staged of it, until somebody accepts, replaces or drops it."""
    item = claimed_object(connection, run_id, object_id)
    logger.warning("list held", extra={"run_id": run_id, "key": item.key, "reason": reason})
    forget_object(connection, item.source, item.object_id)
    connection.execute(
        "update metadata.object_version set status = 'HELD', reason = %s where object_id = %s", (reason, object_id)
    )


def give_up(connection: Connection, run_id: str, object_id: int) -> str:
    """Set a file aside whose staging ended the function's process, or took too long, at every try of the run.

    Returns its status. Raises RunNotActiveError when the run or its claim has ended.
    """
    active_run(connection, run_id)
    item = claimed_object(connection, run_id, object_id)
    if item.status != "PLANNED":
        return item.status
    reason = "staging it ended the function, or took longer than the function may run: split it into smaller files"
    return set_aside(connection, run_id, item, UnreadableObjectError(reason))

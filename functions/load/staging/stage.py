"""Stage one object version, or a part of one: stream it from S3 into COPY, then validate, type and hash it there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql
from psycopg.types.json import Jsonb

from functions.common.database import Connection
from functions.common.errors import C360Error
from functions.common.ledger import ClaimedObject, active_run, claimed_object
from functions.common.logging import logger
from functions.load.recorded_step import recorded_step
from functions.load.staging.copy_text import CopiedText, copy_text
from functions.load.staging.deduplication import claim_content
from functions.load.staging.dialect_hints import dialect_hint
from functions.load.staging.header import Header, match_header
from functions.load.staging.part_reader import PartReader
from functions.load.staging.parts import (
    Part,
    StagedCounts,
    forget_part,
    is_complete,
    locked_part,
    record_staged,
    staged_counts,
    totals,
)
from functions.load.staging.quarantine import mark_replayed
from functions.load.staging.repeated_rows import find_repeated_rows
from functions.load.staging.set_aside import SET_ASIDE_ERRORS, set_aside
from functions.load.staging.shared_partitions import make_shared, shared_by
from functions.model.declaration import Model
from functions.model.render.lists import render_unread_keys
from functions.model.render.quarantine import (
    render_omitted_measures,
    render_quarantine,
    render_unknown_columns,
)
from functions.model.render.staging import (
    StagedPart,
    render_attach,
    render_measures,
    render_stage,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class _Judged:
    """How many rows of a part were rejected, and how many of these are kept in quarantine."""

    rejected: int
    kept: int


def stage(connection: Connection, s3: "S3Client", model: Model, run_id: str, object_id: int, number: int = 0) -> str:
    """Stage one object version, or part `number` of one that was split, in the caller's transaction.

    Returns the object's new status. STAGED: its valid rows are in staging, its invalid ones in quarantine. PLANNED:
    other parts are yet to be staged. REPEATED: its content is there already. REJECTED: the file cannot be read.
    UNREADABLE: S3 does not hand it out. The ledger says why. Staging it again replaces what was staged. Raises
    RunNotActiveError when the run or its claim has ended, TransientError when another try may help.
    """
    active_run(connection, run_id)
    part = locked_part(connection, object_id, number)
    # parts of one file are staged at the same time, and lock it at their end only
    item = claimed_object(connection, run_id, object_id, locked=part.span is None)
    if item.status not in {"PLANNED", "STAGED"} or _is_staged(connection, item, part):
        return item.status
    with recorded_step(connection, run_id, "stage", object_id) as step:
        try:
            with connection.transaction():
                step.rows = _stage_part(connection, s3, model, item, part)
                return _complete(connection, model, item)
        except SET_ASIDE_ERRORS as error:
            return set_aside(connection, run_id, item, error)


def _is_staged(connection: Connection, item: ClaimedObject, part: Part) -> bool:
    if part.span is None and item.status != "STAGED":
        return False
    return staged_counts(connection, StagedPart(item.source, item.object_id, part.number)) is not None


def _stage_part(connection: Connection, s3: "S3Client", model: Model, item: ClaimedObject, part: Part) -> int:
    """Copy, judge and type; return how many rows the part has."""
    shared = shared_by(connection, item.object_id)
    staged = StagedPart(item.source, item.object_id, part.number, shared)
    if part.span is not None or item.status == "STAGED":
        forget_part(connection, staged, part)
    source = model.sources[item.source]
    reader = PartReader(s3, item, part, source)
    header = match_header(source, reader.columns)
    copied = copy_text(connection, model, staged, part, reader.body, header.columns, header.unknown)
    if part.rows_expected not in (None, copied.rows):
        raise C360Error("a part has other rows than its file was split into", key=item.key, part=part.number)
    content_sha256 = reader.sha256()
    if content_sha256 is not None:
        claim_content(connection, item.object_id, content_sha256)
    is_new = shared is None or make_shared(connection, shared)
    judged = _judge(connection, model, staged, part, copied, header.unknown)
    if header.drifted:
        connection.execute(render_unknown_columns(staged, header.drifted))
    if copied.rows:
        mark_replayed(connection, staged, header.unknown)
    measures = _measure(connection, model, staged, judged, is_isolated=copied.is_isolated)
    counts = StagedCounts(copied.rows, judged.rejected, judged.rejected - judged.kept, copied.lines, measures)
    connection.execute(sql.SQL("drop table {}").format(staged.raw_table))
    record_staged(connection, item.object_id, part, counts)
    # last, as it keeps the other parts of the source from being attached until the end of the transaction
    if is_new:
        connection.execute(render_attach(staged))
    # after it: another part, attached before, may be waiting for the file's row
    if part.number == 0:
        _record_header(connection, item, header)
    return copied.rows


def _complete(connection: Connection, model: Model, item: ClaimedObject) -> str:
    """Make the file STAGED when its last part is. Raises RepeatedContentError."""
    if not is_complete(connection, item.object_id):
        return "PLANNED"
    if item.columns is not None:
        row = connection.execute(
            "select content_sha256 from metadata.object_version where object_id = %s", (item.object_id,)
        ).fetchone()
        claim_content(connection, item.object_id, row[0] if row else b"")
    rows_read, rejected, omitted, measures = totals(connection, item.object_id)
    omission = (
        f"of {rejected} rejected rows quarantine keeps {rejected - omitted}; all are counted" if omitted else None
    )
    hint = dialect_hint(connection, model.sources[item.source], item.object_id) if rejected else None
    reason = "; ".join(filter(None, (omission, hint))) or None
    connection.execute(
        "update metadata.object_version set status = 'STAGED', reason = %s, rows_read = %s, rows_quarantined = %s,"
        " rows_omitted = %s, measures = %s where object_id = %s",
        (reason, rows_read, rejected, omitted, Jsonb(measures), item.object_id),
    )
    find_repeated_rows(connection, model, item.source, item.object_id)
    return "STAGED"


def _judge(
    connection: Connection, model: Model, staged: StagedPart, part: Part, copied: CopiedText, unknown: dict[str, str]
) -> _Judged:
    """Type and hash the valid rows into the part's table, the others to quarantine."""
    # rows are few for what is computed of each, so several cores pay off sooner than the planner thinks
    connection.execute("set local parallel_tuple_cost = 0")
    connection.execute("set local parallel_setup_cost = 100")
    valid = connection.execute(render_stage(model, staged, is_isolated=copied.is_isolated)).rowcount
    kept = 0
    if valid < copied.rows:
        in_step = copied.lines == copied.rows
        quarantine = render_quarantine(
            model,
            staged,
            is_isolated=copied.is_isolated,
            columns_with_line_ends=() if in_step else [*model.sources[staged.source].columns, *unknown.values()],
            line_of_row_0=part.first_line - part.first_row,
        )
        kept = connection.execute(quarantine).rowcount
        _note_unread_keys(connection, model, staged, is_isolated=copied.is_isolated)
    return _Judged(copied.rows - valid, kept)


def _note_unread_keys(connection: Connection, model: Model, staged: StagedPart, *, is_isolated: bool) -> None:
    """Of a complete list: what is rejected is not absent."""
    row = connection.execute(
        "select is_snapshot from metadata.object_version where object_id = %s", (staged.object_id,)
    ).fetchone()
    if row == (True,) and (statement := render_unread_keys(model, staged, is_isolated=is_isolated)) is not None:
        connection.execute(statement)


def _record_header(connection: Connection, item: ClaimedObject, header: Header) -> None:
    """Note in the ledger what the header has and how it differs from the model."""
    drifted = header.drifted
    if drifted or header.renamed:
        logger.warning(
            "the header differs from the model",
            extra={"key": item.key, "unknown_columns": list(drifted), "renamed_columns": header.renamed},
        )
    connection.execute(
        "update metadata.object_version set header = %s, unknown_columns = %s, renamed_columns = %s"
        " where object_id = %s",
        (header.columns, list(drifted), header.renamed, item.object_id),
    )


def _measure(
    connection: Connection, model: Model, staged: StagedPart, judged: _Judged, *, is_isolated: bool
) -> dict[str, dict[str, str]]:
    """The sum of each measure over the part, as text that no float rounds.

    `omitted`: over the rejected rows that quarantine does not keep.
    """
    names = model.sources[staged.source].measures
    if (statement := render_measures(model, staged)) is None:
        return {}
    measures = {"file": connection.execute(statement).fetchone() or ()}
    if judged.kept < judged.rejected and (omitted := render_omitted_measures(model, staged, is_isolated=is_isolated)):
        measures["omitted"] = connection.execute(omitted).fetchone() or ()
    return {name: {kind: str(sums[position]) for kind, sums in measures.items()} for position, name in enumerate(names)}

"""Objects whose rows no longer count: those taken back, and those that a later version of their key replaces.

Their rows stay in the vault, known until now; each table then takes out of its history what they had said.
"""

from functions.common.database import Connection
from functions.common.ledger import Run

# What a key says at one instant is what its newest version says that could be read.
_REPLACE = """update metadata.object_version as held
set status = 'REPLACED', reason = 'a later version of this object has replaced it'
where held.status in ('STAGED', 'LOADED')
    and (held.run_id = %(run_id)s or held.status = 'LOADED')
    and exists (
        select
        from metadata.object_version as newer
        where (newer.bucket, newer.object_key, newer.effective_at) = (held.bucket, held.object_key, held.effective_at)
            and (newer.uploaded_at, newer.object_id) > (held.uploaded_at, held.object_id)
            and (
                newer.status = 'LOADED'
                or newer.run_id = %(run_id)s and newer.status = 'STAGED'
                or newer.run_id = %(run_id)s and newer.status = 'REPEATED'
                and newer.content_sha256 is distinct from held.content_sha256
            )
    )
    and (
        held.run_id = %(run_id)s
        or (held.bucket, held.object_key) in (
            select bucket, object_key from metadata.object_version where run_id = %(run_id)s
        )
    )"""

_END = """update metadata.object_version
set known_until = %(loaded_at)s
where status in ('REPLACED', 'RETRACTED')
    and known_until is null
    and object_id in (select object_id from metadata.vault_load)"""


def end_retracted(connection: Connection, run: Run) -> None:
    """From this run on, the rows of objects that were replaced or taken back are no longer known. Again: nothing."""
    parameters = {"run_id": run.run_id, "loaded_at": run.loaded_at}
    connection.execute(_REPLACE, parameters)
    connection.execute(_END, parameters)


def retracted_by(connection: Connection, run_id: str) -> list[int]:
    """The objects that the run has taken out of any table of the vault, ascending."""
    rows = connection.execute(
        "select distinct object_id from metadata.vault_retraction where run_id = %s order by 1", (run_id,)
    )
    return [row[0] for row in rows]

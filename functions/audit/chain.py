"""The audit trail: records of who read or changed whose data, each chained to the one before by its hash.

Written by one function of the database, which no role can bypass: only the database's administrator could change a
record, and then it differs from the copies in the bucket and from a hash that was noted.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from functions.common.database import Connection
from functions.common.errors import DataError
from functions.model.classification import classification

APPEND = b"select audit.append(%(contents)s)"
MOST_RECORDS = 1000
"""That are appended at once."""

_PLAIN = frozenset({"skip", "limit", "sort", "fields", "as_of", "known_at", "from", "to", "file", "rule", "run", "ids"})
_DIGEST = 16


class AuditError(DataError):
    """The audit trail is not as it was written."""


@dataclass(frozen=True)
class Verified:
    """`records` in the trail, the last of which is `newest_id` with `newest_hash` (hex): worth noting elsewhere."""

    records: int
    newest_id: int
    newest_hash: str


def shown(name: str, value: str) -> str:
    """A value of a request as the trail keeps it: a digest where it is personal.

    Whoever has the value can check whether the digest is of it.
    """
    if name in _PLAIN or not classification().hides(name):
        return value
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:_DIGEST]}"


def append(connection: Connection, action: str, **content: Any) -> None:
    """Add a record in the caller's transaction, so that both are committed or neither. Leaves None values out."""
    recorded = {name: value for name, value in content.items() if value is not None}
    connection.execute(APPEND, {"contents": Jsonb([{"action": action} | recorded])})


def verify(connection: Connection, noted_hash: str | None = None) -> Verified:
    """Follow the chain from its beginning, or from where retention has cut it, to its end.

    `noted_hash`: that of a record which must still be in it, or end it. Raises AuditError naming the first record at
    which the chain does not hold.
    """
    row = connection.execute("select records, newest_id, newest_hash, broken_at from audit.verify()").fetchone()
    records, newest_id, newest_hash, broken_at = row or (0, 0, b"", None)
    if broken_at is not None:
        raise AuditError("the audit trail was changed: the chain does not hold", record_id=broken_at)
    if noted_hash is not None:
        known = connection.execute("select from audit.record where hash = decode(%s, 'hex')", (noted_hash,)).fetchone()
        if known is None:
            raise AuditError("the audit trail was rewritten: the noted hash is not in it", hash=noted_hash)
    return Verified(records, newest_id, newest_hash.hex())


def find(connection: Connection, customer_id: str | None, before: int | None, limit: int) -> list[dict[str, Any]]:
    """The newest records first: of one customer or of all, older than the record `before`."""
    rows = connection.execute(
        "select record_id, recorded_at, content from audit.record"
        " where (%(customer_id)s::text is null or content ->> 'customer_id' = %(customer_id)s)"
        " and (%(before)s::bigint is null or record_id < %(before)s)"
        " order by record_id desc limit %(limit)s",
        {"customer_id": customer_id, "before": before, "limit": limit},
    )
    return [{"record_id": id_, "recorded_at": _utc(at), **content} for id_, at, content in rows]


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()

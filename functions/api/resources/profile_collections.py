"""One customer's timeline and history as lists, and the statement that explains a profile.

They are read from the vault as it is now, not as it was published: what a load brings in shows as soon as it is there.
"""

from typing import Any

from psycopg import sql

from functions.api.paging.collection import Listing, Sort
from functions.api.resources.profile_models import CustomerVersion, TimelineEntry
from functions.api.statements import read_sql
from functions.model.classification import MASK, classification
from functions.model.reading import load_model

_EXISTS = (
    "exists (select from raw_vault.hub_customer where customer_id = %(customer_id)s)"
    " or exists (select from business_vault.vw_customer_360 where customer_id = %(customer_id)s)"
)


def _shown(value: str) -> sql.Composable:
    """The column, hidden when `name` is that of something personal and %(masked)s."""
    return sql.SQL("case when %(masked)s and name = any({2}) and {0} is not null then {1} else {0} end").format(
        sql.Identifier(value), sql.Literal(MASK), sql.Literal(_hidden())
    )


def _hidden() -> list[str]:
    return [name for name in load_model().sources["customers"].columns if classification().hides(name)]


def _masked(*column: str, name: str) -> sql.Composable:
    """The column, hidden when %(masked)s and its content, classified under `name`, is personal."""
    identifier = sql.Identifier(*column)
    if not classification().hides(name):
        return identifier
    return sql.SQL("case when %(masked)s and {0} is not null then {1} else {0} end").format(
        identifier, sql.Literal(MASK)
    )


def _of_customer(file: str, **parts: Any) -> sql.Composable:
    return read_sql(file).format(stated=read_sql("stated.sql"), **parts)


HISTORY = Listing(
    CustomerVersion,
    sql.SQL("({})").format(_of_customer("history.sql")),
    key=(Sort("version", "bigint"),),
    exists=_EXISTS,
)

TIMELINE_SOURCES: tuple[sql.Composable, ...] = (
    read_sql("timeline_orders.sql"),
    _of_customer("timeline_profile.sql", before=_shown("before"), after=_shown("after")),
    read_sql("timeline_status.sql"),
    read_sql("timeline_events.sql").format(session_id=_masked("e", "session_id", name="session_id")),
)
"""What is merged: queries for `at`, `kind`, `id`, `data` (JSON) of %(customer_id)s, persons hidden if %(masked)s."""

TIMELINE = Listing(
    TimelineEntry,
    sql.SQL("({})").format(sql.SQL("\nunion all\n").join(TIMELINE_SOURCES)),
    key=(Sort("at", "timestamptz"), Sort("kind"), Sort("id")),
    exists=_EXISTS,
)

EXPLANATION = _of_customer("explain.sql", value=_shown("value"), shown_file=_masked("file", name="file")).as_bytes(None)
"""Its one row: whether the customer exists, and the fields as a JSON array."""

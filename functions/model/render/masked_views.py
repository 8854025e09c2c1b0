"""Views without persons, rendered from what the views show and how the model classifies it."""

from collections.abc import Iterator, Mapping, Sequence

from psycopg import sql

from functions.model.classification import MASK, Classification

SCHEMA = "masked"
TEXT_TYPES = frozenset({"text", "character varying", "character", "jsonb", "json", "text[]", "bytea"})
"""Types whose values may say anything."""

type Columns = Sequence[tuple[str, str]]
"""Name and type of each column of a view, in order."""


def render_masked_views(classification: Classification, views: Mapping[str, Columns]) -> Iterator[sql.Composed]:
    """For each view of the business vault (its name, its columns) one of the same columns in the schema `masked`."""
    for view, columns in views.items():
        shown = sql.SQL(",\n").join(_column(classification, name, kind) for name, kind in columns)
        yield sql.SQL("create view {} as\nselect\n{}\nfrom {}").format(
            sql.Identifier(SCHEMA, view), shown, sql.Identifier("business_vault", view)
        )


def _column(classification: Classification, name: str, kind: str) -> sql.Composable:
    column = sql.Identifier(name)
    if not classification.hides(name, is_text=kind in TEXT_TYPES):
        return sql.SQL("    {}").format(column)
    if kind in ("text", "character varying"):
        return sql.SQL("    case when {0} is not null then {1} end as {0}").format(column, sql.Literal(MASK))
    return sql.SQL("    null::{} as {}").format(sql.SQL(kind), column)

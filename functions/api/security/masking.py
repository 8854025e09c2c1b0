"""SQL of columns that are hidden from callers who may not see persons; its parameter is %(masked)s."""

from psycopg import sql

from functions.model.classification import MASK, classification


def masked_column(*column: str, classified_as: str | None = None) -> sql.Composable:
    """The text column (with or without its table), hidden if what it is named, or classified as, is personal."""
    identifier = sql.Identifier(*column)
    if not classification().hides(classified_as or column[-1]):
        return identifier
    return sql.SQL("case when %(masked)s and {0} is not null then {1} else {0} end").format(
        identifier, sql.Literal(MASK)
    )


def masked_value(column: str) -> sql.Composable:
    """The column of values, each hidden if the column `name` beside it says that it is personal."""
    hidden = sorted(name for _, name, _ in classification().columns() if classification().hides(name))
    return sql.SQL("case when %(masked)s and name = any({0}) and {1} is not null then {2} else {1} end").format(
        sql.Literal(hidden), sql.Identifier(column), sql.Literal(MASK)
    )

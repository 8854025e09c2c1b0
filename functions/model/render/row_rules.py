"""SQL of the rules that a row must meet while its cells are text, and of its typed values. A broken rule rejects it."""

from psycopg import sql

from functions.model.declaration import Column, ColumnType, Model

POSTGRES_TYPES: dict[ColumnType, str] = {
    "text": "text",
    "integer": "bigint",
    "decimal": "numeric",
    "date": "date",
    "timestamp": "timestamptz",
}

# PostgreSQL reads more than ISO 8601 and plain numbers ("tomorrow", "1/2/2024", "infinity", "1e5", "0x1f", " 1 "):
# a value may hold only the characters, and must have the shape, of what we take. A search for another character is
# faster than a pattern of the whole.
_OTHER_CHARACTER: dict[ColumnType, str] = {
    "integer": "[^0123456789+-]",
    "decimal": "[^0123456789.+-]",
    "date": "[^0123456789-]",
    "timestamp": "[^0123456789:.+TZ -]",
}
_DAY_SHAPE = "____-__-__"

# On the first and the last day that four digits can write, a zone, 24:00 or a fraction may lead to a year that readers
# in Python and JSON cannot hold.
_TIME_ON_THE_LAST_DAY = "^([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z?)?$"

_DECIMAL_LIMIT_BYTES = 1000
# Sums of so many digits before the point stay within the lake's decimal(38, 18) and what JSON readers hold exactly.
_DIGITS_LIMIT = 15
# The marts count lines without a number on from the highest number that their order has.
_INTEGER_LIMIT = 9_000_000_000_000_000_000


def rules(model: Model, source: str) -> dict[str, sql.Composable]:
    """The rules for a row of `source`, all text: `<column>.<rule>` to the condition that a good value meets."""
    good: dict[str, sql.Composable] = {}
    measures = model.sources[source].measures
    for name, column in model.sources[source].columns.items():
        identifier = sql.Identifier(name)
        if column.required:
            good[f"{name}.required"] = sql.SQL("{} is not null").format(identifier)
        if column.type == "text":
            good[f"{name}.length"] = sql.SQL("coalesce(octet_length({}), 0) <= {}").format(identifier, column.length)
            continue
        good[f"{name}.type"] = sql.SQL("({0} is null or {1})").format(identifier, _is_typed(name, column.type))
        if column.type == "decimal" or name in measures:
            good[f"{name}.digits"] = sql.SQL(
                "(octet_length({0}) <= {1} or {0} is null or length(split_part(ltrim({0}, '+-'), '.', 1)) <= {1})"
            ).format(identifier, _DIGITS_LIMIT)
        elif column.type == "integer":
            good[f"{name}.range"] = sql.SQL(
                "case when octet_length({0}) > 18 and pg_input_is_valid({0}, 'bigint') then {0}::bigint <= {1}"
                " else true end"
            ).format(identifier, _INTEGER_LIMIT)
    good["row.header"] = _is_no_header(model.sources[source].required)
    return good


def _is_no_header(required: tuple[str, ...]) -> sql.Composable:
    """Not the header once more, as where files were put one after the other: its required cells name their columns."""
    if not required:
        return sql.SQL("true")
    return sql.SQL("({})").format(
        sql.SQL(" or ").join(
            sql.SQL("lower(btrim({})) is distinct from {}").format(sql.Identifier(name), name) for name in required
        )
    )


def _is_typed(name: str, type_name: ColumnType) -> sql.Composable:
    identifier = sql.Identifier(name)
    conditions: list[sql.Composable] = [
        sql.SQL("{} !~ {}").format(identifier, _OTHER_CHARACTER[type_name]),
        sql.SQL("pg_input_is_valid({}, {})").format(identifier, POSTGRES_TYPES[type_name]),
    ]
    if type_name == "decimal":
        conditions.insert(0, sql.SQL("octet_length({}) <= {}").format(identifier, _DECIMAL_LIMIT_BYTES))
    if type_name == "date":
        conditions.insert(0, sql.SQL("{} like {}").format(identifier, _DAY_SHAPE))
    if type_name == "timestamp":
        conditions.insert(0, sql.SQL("{} like {}").format(identifier, f"{_DAY_SHAPE}%"))
        conditions.append(
            sql.SQL("(left({0}, 10) not in ('0001-01-01', '9999-12-31') or substr({0}, 11) ~ {1})").format(
                identifier, _TIME_ON_THE_LAST_DAY
            )
        )
    return sql.SQL(" and ").join(conditions)


def typed(name: str, column: Column) -> sql.Composable:
    """The value of a text column in its declared type."""
    if column.type == "text":
        return sql.Identifier(name)
    return sql.SQL("{}::{}").format(sql.Identifier(name), sql.SQL(POSTGRES_TYPES[column.type]))

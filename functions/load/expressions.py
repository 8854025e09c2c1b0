"""SQL expressions that staging computes for a row: is it valid, its typed values, its hash keys and hashdiffs."""

from psycopg import sql

from functions.load.model import Column, ColumnType, Model, Satellite

POSTGRES_TYPES: dict[ColumnType, str] = {
    "text": "text",
    "integer": "bigint",
    "decimal": "numeric",
    "date": "date",
    "timestamp": "timestamptz",
}

# PostgreSQL reads more than ISO 8601 and plain numbers ("tomorrow", "1/2/2024", "infinity", "1e5"): a value must
# match its pattern first.
_PATTERNS: dict[ColumnType, str] = {
    "integer": r"^[+-]?[0-9]+$",
    "decimal": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$",
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "timestamp": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$",
}

ZERO_KEY = sql.SQL("'\\x00000000000000000000000000000000'::bytea")
"""The hash key of "none": an order without a customer links to it (Data Vault 2.0's ghost record)."""


def violations(columns: dict[str, Column]) -> list[sql.Composable]:
    """For each rule an expression that is its id, `<column>.<rule>`, where a row breaks it, and null elsewhere."""
    found: list[sql.Composable] = []
    for name, column in columns.items():
        identifier = sql.Identifier(name)
        if column.required:
            found.append(sql.SQL("case when {} is null then {} end").format(identifier, f"{name}.required"))
        if column.type != "text":
            found.append(
                sql.SQL("case when {0} is not null and not ({0} ~ {1} and pg_input_is_valid({0}, {2})) then {3} end")
                .format(identifier, _PATTERNS[column.type], POSTGRES_TYPES[column.type], f"{name}.type")
            )  # fmt: skip
    return found


def typed(name: str, column: Column) -> sql.Composable:
    """The value of a text column in its declared type."""
    if column.type == "text":
        return sql.Identifier(name)
    return sql.SQL("{}::{}").format(sql.Identifier(name), sql.SQL(POSTGRES_TYPES[column.type]))


def _encoded(name: str, column: Column) -> sql.Composable:
    """One value as text that no other value, type or neighbour shares: tag, length in bytes, colon, canonical text.

    NULL is `~`, distinct from the empty string `s0:`. Numbers are canonical (1.50 is 1.5), instants are in UTC.
    """
    identifier = sql.Identifier(name)
    if column.type == "text":
        return sql.SQL("coalesce('s' || octet_length({0}) || ':' || {0}, '~')").format(identifier)
    canonical = {
        "integer": sql.SQL("{}::bigint::text").format(identifier),
        "decimal": sql.SQL("trim_scale({}::numeric)::text").format(identifier),
        "date": sql.SQL("{}::date::text").format(identifier),
        "timestamp": sql.SQL("extract(epoch from {}::timestamptz)::text").format(identifier),
    }[column.type]
    return sql.SQL("coalesce({} || length({}) || ':' || {}, '~')").format(column.type[0], canonical, canonical)


def digest(names: tuple[str, ...], columns: dict[str, Column]) -> sql.Composable:
    """The hash (hash version 1) of some columns: the first 16 bytes of SHA-256 over their injective encoding."""
    text = sql.SQL(" || ").join(_encoded(name, columns[name]) for name in names)
    return sql.SQL("substring(sha256(convert_to({}, 'UTF8')) for 16)").format(text)


def key_of(model: Model, parent: str, columns: dict[str, Column]) -> sql.Composable:
    """The hash key of hub or link `parent` for a row; a hub whose business key is empty gets the zero key."""
    if parent in model.hubs:
        business_key = model.hubs[parent].business_key
        key = digest((business_key,), columns)
        if columns[business_key].required:
            return key
        return sql.SQL("case when {} is null then {} else {} end").format(sql.Identifier(business_key), ZERO_KEY, key)
    link = model.links[parent]
    names = tuple(model.hubs[hub].business_key for hub in link.hubs)
    if link.dependent_child_key is not None:
        names = (*names, link.dependent_child_key)
    return digest(names, columns)


def staged_key(model: Model, satellite: Satellite) -> str:
    """The staging column that holds the key whose history `satellite` keeps."""
    if satellite.driving_key is not None:
        return model.hubs[satellite.driving_key].hash_key
    return staged_parent_key(model, satellite.parent)


def staged_parent_key(model: Model, parent: str) -> str:
    """The staging column that holds the hash key of hub or link `parent`."""
    return model.hubs[parent].hash_key if parent in model.hubs else f"{parent}_hash_key"


def staged_hashdiff(name: str, satellite: Satellite) -> str:
    """The staging column that tells two versions of `satellite` (called `name`) apart."""
    if satellite.driving_key is not None:
        return f"{satellite.parent}_hash_key"
    return f"{name}_hashdiff"

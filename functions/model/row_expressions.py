"""SQL expressions that staging computes for a row: is it valid, its typed values, its hash keys and hashdiffs."""

from psycopg import sql

from functions.model.declaration import Column, ColumnType, Model, Satellite

HASH_VERSION = 1
"""Of `digest` and `hashdiff`; the vault keeps it beside each hash."""

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

ZERO_KEY = sql.SQL("'\\x00000000000000000000000000000000'::bytea")
"""The hash key of "none": an order without a customer links to it (Data Vault 2.0's ghost record)."""


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
        conditions.insert(0, sql.SQL("left({}, 10) like {}").format(identifier, _DAY_SHAPE))
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


def _encoded(name: str, column: Column) -> sql.Composable:
    """One typed value as text that no other value, type or neighbour shares; NULL is `~`, not the empty string.

    Text is its length in bytes, a colon and itself. The canonical text of the other types (1.50 is 1.5, an instant
    is in UTC) holds no semicolon, which ends it.
    """
    identifier = sql.Identifier(name)
    encoded = {
        "text": sql.SQL("'s' || octet_length({0}) || ':' || {0}"),
        "integer": sql.SQL("'i' || {0} || ';'"),
        "decimal": sql.SQL("'n' || trim_scale({0}) || ';'"),
        "date": sql.SQL("'d' || to_char({0}, 'YYYY-MM-DD') || ';'"),
        "timestamp": sql.SQL("'t' || extract(epoch from {0}) || ';'"),
    }[column.type].format(identifier)
    if column.required:
        return encoded
    return sql.SQL("coalesce({}, '~')").format(encoded)


_DIGEST = "substring(sha256({}) for 16)"


def digest(names: tuple[str, ...], columns: dict[str, Column]) -> sql.Composable:
    """The hash (hash version 1) of a key: the first 16 bytes of SHA-256 over the injective encoding of its columns."""
    return sql.SQL(_DIGEST).format(_encoding(names, columns))


def hashdiff(names: tuple[str, ...], columns: dict[str, Column]) -> sql.Composable:
    """The hash (hash version 1) of a satellite's columns: as of a key, but over the columns up to the last value.

    So a column that is added at the end, and is empty, changes no hashdiff. Cutting off every `~` at the end, also one
    that is the end of a text, stays injective: no encoding of a number of columns is the beginning of another one, as
    each value marks its own end, but of two encodings that are equal without their last `~` one would be.
    """
    return sql.SQL(_DIGEST).format(sql.SQL("rtrim({}, '~'::bytea)").format(_encoding(names, columns)))


def _encoding(names: tuple[str, ...], columns: dict[str, Column]) -> sql.Composable:
    text = sql.SQL(" || ").join(_encoded(name, columns[name]) for name in names)
    return sql.SQL("convert_to({}, 'UTF8')").format(text)


def key_of(model: Model, parent: str, columns: dict[str, Column]) -> sql.Composable:
    """The hash key of hub or link `parent` for a row; a hub whose business key is empty gets the zero key.

    A row without the number that a link's dependent child key is (Link.driving_key) has a key of all its columns.
    """
    if parent in model.hubs:
        business_key = model.hubs[parent].business_key
        key = digest((business_key,), columns)
        if columns[business_key].required:
            return key
        return sql.SQL("case when {} is null then {} else {} end").format(sql.Identifier(business_key), ZERO_KEY, key)
    link = model.links[parent]
    names = tuple(model.hubs[hub].business_key for hub in link.hubs)
    if link.dependent_child_key is None:
        return digest(names, columns)
    names = (*names, link.dependent_child_key)
    if link.driving_key is None:
        return digest(names, columns)
    return sql.SQL("case when {} is null then {} else {} end").format(
        sql.Identifier(link.dependent_child_key),
        hashdiff((*names, *(name for name in columns if name not in names)), columns),
        digest(names, columns),
    )


_UNSEEN = r"[\s\u00a0\u00ad\u200b-\u200f\u2060\ufeff]"
_KEY_FORM_CHARACTERS = 600  # normalization may make text longer than an index entry holds


def key_form(key: sql.Composable) -> sql.Composable:
    """What a business key is without case, spaces, invisible characters and the choice of equal Unicode forms.

    Of plain ASCII without spaces, as most keys are, lower case is all of that, and an index on it costs little.
    """
    return sql.SQL(
        "case when {key} ~ '^[!-~]*$' then lower({key})"
        " else left(lower(regexp_replace(normalize({key}, NFKC), {unseen}, '', 'g')), {limit}) end"
    ).format(key=key, unseen=_UNSEEN, limit=_KEY_FORM_CHARACTERS)


def staged_line_key(model: Model, source: str) -> tuple[sql.Composable, sql.Composable]:
    """The key of what a staged row describes: its driving key, and its number there.

    Without a number, and where nothing has one, the key itself; both are bytes.
    """
    parent = model.finest_parent(source)
    key = sql.Identifier(staged_parent_key(model, parent))
    link = model.links.get(parent)
    if link is None or link.driving_key is None or link.dependent_child_key is None:
        return key, key
    return (
        sql.Identifier(model.hubs[link.driving_key].hash_key),
        sql.SQL("coalesce(convert_to({}::text, 'UTF8'), {})").format(sql.Identifier(link.dependent_child_key), key),
    )


def staged_key(model: Model, satellite: Satellite) -> str:
    """The staging column that holds the key whose history `satellite` keeps."""
    if satellite.driving_key is not None:
        return model.hubs[satellite.driving_key].hash_key
    return staged_parent_key(model, satellite.parent)


def staged_parent_key(model: Model, parent: str) -> str:
    """The staging column that holds the hash key of hub or link `parent`."""
    return model.hubs[parent].hash_key if parent in model.hubs else f"{parent}_hash_key"


def staged_hashdiff(name: str, satellite: Satellite) -> str:
    """The staging column whose value differs between two versions of `satellite` (called `name`)."""
    if satellite.driving_key is not None:
        return f"{satellite.parent}_hash_key"
    return f"{name}_hashdiff"

"""SQL of hash keys and hashdiffs, and the staging columns that hold them."""

from psycopg import sql

from functions.model.declaration import Column, Model, Satellite

HASH_VERSION = 1
"""Of `digest` and `hashdiff`; the vault keeps it beside each hash."""

ZERO_KEY = sql.SQL("'\\x00000000000000000000000000000000'::bytea")
"""The hash key of "none": an order without a customer links to it (Data Vault 2.0's ghost record)."""


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

    A row without the number that a link's dependent child key is (Link.driving_key) has a key of what it says of the
    link itself: what its order says beside it, as its status, may change without the line becoming another one.
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
        hashdiff((*names, *model.described_by(parent)), columns),
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

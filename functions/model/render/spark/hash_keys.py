"""Spark SQL of hash keys and hashdiffs: the same bytes as those of functions/model/render/hash_keys.py.

Of values as functions/engine/copied_rows.py writes them: a decimal is its shortest text, a day and an instant are
numbers. In a session with spark.sql.ansi.enabled, where a decimal is never written with an exponent.
"""

from collections.abc import Sequence

from functions.model.declaration import Column, Model
from functions.model.render.hash_keys import staged_parent_key
from functions.model.render.spark.names import quoted

ZERO_KEY = f"X'{'00' * 16}'"
"""The hash key of "none"."""


def _encoded(name: str, column: Column) -> str:
    value = quoted(name)
    encoded = {
        "text": f"concat('s', octet_length({value}), ':', {value})",
        "integer": f"concat('i', {value}, ';')",
        "decimal": f"concat('n', {value}, ';')",
        "date": f"concat('d', date_from_unix_date({value}), ';')",
        "timestamp": f"concat('t', cast({value} as decimal(20,0)) * 0.000001BD, ';')",
    }[column.type]
    return encoded if column.required else f"coalesce({encoded}, '~')"


def _encoding(names: Sequence[str], columns: dict[str, Column]) -> str:
    return f"concat({', '.join(_encoded(name, columns[name]) for name in names)})"


def hashed(text_or_binary: str) -> str:
    """The first 16 bytes of SHA-256."""
    # bytes are cut, not digits: to cut a text, Spark counts the characters of all of it
    return f"substring(unhex(sha2({text_or_binary}, 256)), 1, 16)"


def digest(names: Sequence[str], columns: dict[str, Column]) -> str:
    """The hash (hash version 1) of a key."""
    return hashed(_encoding(names, columns))


def hashdiff(names: Sequence[str], columns: dict[str, Column]) -> str:
    """The hash (hash version 1) of a satellite's columns, over the columns up to the last value."""
    return hashed(f"trim(trailing '~' from {_encoding(names, columns)})")


def key_of(model: Model, parent: str, columns: dict[str, Column]) -> str:
    """The hash key of hub or link `parent` for a row; a hub whose business key is empty gets the zero key."""
    if parent in model.hubs:
        business_key = model.hubs[parent].business_key
        key = digest((business_key,), columns)
        if columns[business_key].required:
            return key
        return f"case when {quoted(business_key)} is null then {ZERO_KEY} else {key} end"
    link = model.links[parent]
    names = [model.hubs[hub].business_key for hub in link.hubs]
    if link.dependent_child_key is None:
        return digest(names, columns)
    names.append(link.dependent_child_key)
    if link.driving_key is None:
        return digest(names, columns)
    unnumbered = hashdiff([*names, *model.described_by(parent)], columns)
    return f"case when {quoted(link.dependent_child_key)} is null then {unnumbered} else {digest(names, columns)} end"


def staged_line_key(model: Model, source: str) -> tuple[str, str]:
    """The key of what a staged row describes: its driving key, and its number there, or the key itself; both bytes."""
    parent = model.finest_parent(source)
    key = quoted(staged_parent_key(model, parent))
    link = model.links.get(parent)
    if link is None or link.driving_key is None or link.dependent_child_key is None:
        return key, key
    return quoted(model.hubs[link.driving_key].hash_key), line_key(link.dependent_child_key, key)


def line_key(child: str, key: str) -> str:
    """The number of a line, or without one its key; both are bytes."""
    return f"coalesce(encode(cast({quoted(child)} as string), 'UTF-8'), {key})"

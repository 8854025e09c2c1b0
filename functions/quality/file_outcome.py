"""The outcome of a file: what became of each row and each measure on the way from the file to the marts.

file = in force + superseded (by which file) + duplicate + overruled + quarantined + not yet in force; of a file that
was taken back or replaced, what it had said is retracted instead.
"""

from decimal import Context, Decimal, localcontext
from typing import Any

from functions.common.database import Connection
from functions.common.errors import DataError, QualityError
from functions.common.ledger import objects_of
from functions.common.sql_files import read_sql
from functions.model.declaration import Model
from functions.model.render.file_outcome import followed_measures, render_file_outcome

type Outcome = dict[str, Any]

ROWS_CHECKED = 20_000
FILES_CHECKED = 500
"""Of a run of more rows or files the nightly reconciliation compares vault and marts as a whole, not file by file."""

_FEW_ROWS = 1_000

_EXACT = Context(prec=5_000)
"""Digits enough for the longest decimals that staging accepts; Python's 28 would round them."""

_FATES = ("in_force", "not_yet_in_force", "retracted")
_ROWS = "rows"


def explain_file(connection: Connection, model: Model, key: str) -> dict[str, Any]:
    """`key`, and its `versions`, the latest first: what the ledger says of each, and the outcome of what was loaded.

    An outcome has for `rows` and for each measure: `file`, `in_force`, `superseded` (a list of `by`, a key, and
    `amount`), `duplicate`, `overruled`, `quarantined`, `not_yet_in_force`, `retracted`, `in_marts` (what the marts show
    of what is in force; null where no mart holds it) and `forgotten`, which record tracking remembers no more. Amounts
    are text. Raises DataError when no such file has come.
    """
    objects = connection.execute(read_sql("quality/versions_of_file.sql"), (key,)).fetchall()
    if not objects:
        raise DataError("no such file has ever been seen", key=key)
    versions = []
    for (version,) in objects:
        loaded = version["status"] == "LOADED" and version["source"] in model.sources
        outcome = outcome_of(connection, model, version["object_id"]) if loaded else None
        versions.append(version | {"outcome": outcome})
    return {"key": key, "versions": versions}


def outcome_of(connection: Connection, model: Model, object_id: int) -> Outcome:
    """The outcome of one object that was loaded: `rows` or measure -> what it came to."""
    row = connection.execute(read_sql("quality/counts_of_object.sql"), (object_id,)).fetchone()
    if row is None:
        raise DataError("no such object", object_id=object_id)
    source, counted, measures = row
    with localcontext(_EXACT):
        return _outcome(connection, model, source, object_id, counted, measures)


def _outcome(
    connection: Connection,
    model: Model,
    source: str,
    object_id: int,
    counted: dict[str, Any],
    measures: dict[str, dict[str, Any]],
) -> Outcome:
    names = [_ROWS, *followed_measures(model, source)]
    outcome: Outcome = {
        name: {**dict.fromkeys(_FATES, Decimal(0)), "superseded": [], "in_marts": None} for name in names
    }
    loops = "off" if counted["file"] > _FEW_ROWS else "on"  # of many rows the planner expects a few, and loops
    connection.execute("select set_config('enable_nestloop', %s, true)", (loops,))
    for fate, by, rows, sums, shown in connection.execute(render_file_outcome(model, source), {"object_id": object_id}):
        for name, amount in zip(names, (Decimal(rows), *sums), strict=True):
            if fate == "superseded":
                outcome[name]["superseded"].append({"by": by, "amount": amount})
            else:
                outcome[name][fate] += amount
        for name, amount in zip(names[1:], shown or (), strict=shown is not None):
            if fate == "in_force":
                outcome[name]["in_marts"] = amount
    connection.execute("reset enable_nestloop")
    keys = _keys_of(connection, outcome)
    for name, entry in outcome.items():
        by_part = counted if name == _ROWS else measures[name]
        given = {part: Decimal(by_part.get(part) or 0) for part in ("file", "vault", "duplicate", "overruled")}
        entry |= {part: given[part] for part in ("file", "duplicate", "overruled")}
        entry["quarantined"] = Decimal(by_part["quarantined"]) + Decimal(by_part.get("omitted") or 0)
        observed = sum(
            (entry[fate] for fate in _FATES), sum((each["amount"] for each in entry["superseded"]), Decimal(0))
        )
        entry["forgotten"] = given["vault"] - observed
        outcome[name] = {part: _plain(value) for part, value in entry.items() if part != "superseded"} | {
            "superseded": [{"by": keys[each["by"]], "amount": _plain(each["amount"])} for each in entry["superseded"]]
        }
    return outcome


def check_outcomes(connection: Connection, model: Model, run_id: str) -> None:
    """Follow each file of the run to the marts, when it is not too much. Raises QualityError naming what is missing."""
    object_ids = objects_of(connection, run_id, ["STAGED"])
    row = connection.execute(
        read_sql("quality/is_file_outcome_cheap.sql"), (ROWS_CHECKED, FILES_CHECKED, object_ids)
    ).fetchone()
    if row != (True,):
        return
    wrong = []
    sources: dict[int, str] = dict(
        connection.execute(
            "select object_id, source from metadata.object_version where object_id = any(%s)", (object_ids,)
        ).fetchall()
    )
    for object_id in object_ids:
        for name, entry in outcome_of(connection, model, object_id).items():
            if name == _ROWS and model.links_alone(sources[object_id]):
                continue  # a row that only adds to a link without satellites is observed nowhere
            if Decimal(entry["forgotten"]) or entry["in_marts"] not in (None, entry["in_force"]):
                wrong.append(f"{name} of object {object_id}: {entry}")
    if wrong:
        raise QualityError(f"files do not add up with the marts, which are not published: {'; '.join(wrong[:3])}")


def _keys_of(connection: Connection, outcome: Outcome) -> dict[int, str]:
    ids = list({each["by"] for entry in outcome.values() for each in entry["superseded"]})
    rows = connection.execute(
        "select object_id, object_key from metadata.object_version where object_id = any(%s)", (ids,)
    )
    return {object_id: key for object_id, key in rows}  # noqa: C416 - dict() of untyped rows has no type


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"

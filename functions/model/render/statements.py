"""All that the generator renders from a model, one statement after another: what `c360 sql render` prints."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from psycopg import sql

from functions.model.declaration import Model
from functions.model.render.ddl import tables
from functions.model.render.quarantine import render_quarantine
from functions.model.render.reconciliation import render_count
from functions.model.render.repeated_rows import render_repeated_rows
from functions.model.render.staging import (
    StagedPart,
    render_attach,
    render_copy,
    render_measures,
    render_raw_table,
    render_stage,
)
from functions.model.render.status import render_affected, render_observed, render_status
from functions.model.render.vault import render_hub, render_link, render_newest, render_satellite

type Kind = Literal["ddl", "stage", "load", "checks"]

EXAMPLE_OBJECT = 1
"""Statements that stage a file name tables by the id of its object version; these are those of object 1, part 0."""


@dataclass(frozen=True)
class Statement:
    """One rendered statement. `table` is `schema.name`; `sources` are those whose rows it is about."""

    kind: Kind
    name: str
    table: str
    sources: tuple[str, ...]
    text: str


def statements(model: Model) -> Iterator[Statement]:
    """Every statement of the model, in the order in which a night runs them; the DDL first."""
    for table, created in tables(model):
        text = "\n".join(statement.as_string().rstrip("\n") for statement in created)
        yield Statement("ddl", f"create {table}", table, _sources(model, table.partition(".")[2]), text)
    for source in model.sources:
        yield from _stage(model, source)
    for name, hub in model.hubs.items():
        for source in hub.sources:
            yield _load(f"load {name} from {source}", name, source, render_hub(model, name, source))
    for name, link in model.links.items():
        yield _load(f"load {name} from {link.source}", name, link.source, render_link(model, name))
    for name, satellite in model.satellites.items():
        title = f"load {name} from {satellite.source}"
        if satellite.status_of is not None:
            yield _load(f"find what {name} is about", name, satellite.source, render_affected(model, name, "several"))
            for table, statement in render_observed(model, name).items():
                yield _load(f"find what is {table.replace('_', ' ')} of {name}", name, satellite.source, statement)
            yield _load(title, name, satellite.source, render_status(model, name))
            continue
        first = render_newest(model, name, is_first=True)
        yield _load(f"{title}, from the first file", name, satellite.source, first)
        for suffix, is_large in (("", False), (" that is large beside it", True)):
            newest = render_newest(model, name, is_large=is_large)
            yield _load(f"{title}, from one newer file{suffix}", name, satellite.source, newest)
        for suffix, is_late, is_large in (
            ("", False, False),
            (", from files that are large beside it", False, True),
            (", from files that others came before", True, False),
        ):
            statement = render_satellite(model, name, is_late=is_late, is_large=is_large)
            yield _load(f"{title}{suffix}", name, satellite.source, statement)
    for source in model.sources:
        yield _check(f"count what became of the rows of {source}", source, render_count(model, source))
        yield _check(f"find the rows that others of {source} repeat", source, render_repeated_rows(model, source))


def chosen(
    rendered: Iterable[Statement], kind: Kind | None = None, table: str | None = None, source: str | None = None
) -> list[Statement]:
    """The statements of a kind, of a table (with or without its schema), of a source; None takes all."""
    return [
        statement
        for statement in rendered
        if kind in (None, statement.kind)
        and table in (None, statement.table, statement.table.partition(".")[2])
        and (source is None or source in statement.sources)
    ]


def _stage(model: Model, source: str) -> Iterator[Statement]:
    part = StagedPart(source, EXAMPLE_OBJECT, 0)
    rendered: list[tuple[str, sql.Composed | None]] = [
        ("make the table of the text of", render_raw_table(model, part, [], first_row=1)),
        ("copy the text of", render_copy(model, part, list(model.sources[source].columns))),
        ("type and hash the valid rows of", render_stage(model, part)),
        ("attach the rows of", render_attach(part)),
        ("set aside the invalid rows of", render_quarantine(model, part)),
        ("sum the measures of", render_measures(model, part)),
    ]
    for what, statement in rendered:
        if statement is not None:
            text = statement.as_string() + ";"
            yield Statement("stage", f"{what} {source}", f"staging.{source}", (source,), text)


def _load(name: str, table: str, source: str, statement: sql.Composed) -> Statement:
    return Statement("load", name, f"raw_vault.{table}", (source,), statement.as_string() + ";")


def _check(name: str, source: str, statement: sql.Composed) -> Statement:
    return Statement("checks", name, f"staging.{source}", (source,), statement.as_string() + ";")


def _sources(model: Model, table: str) -> tuple[str, ...]:
    if table in model.hubs:
        return model.hubs[table].sources
    if table in model.links:
        return (model.links[table].source,)
    return (model.satellites[table].source,) if table in model.satellites else (table,)

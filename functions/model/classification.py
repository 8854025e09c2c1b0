"""Which data are of persons: the one place to ask, for masking, retention, checks and whatever comes later.

Asked by source and column (what files bring) or by the name of a column of a view (what is shown). Nothing is shown or
kept longer because nobody thought of it: a column of a file that the model does not know is personal, and so is text in
a view that is declared nowhere; a column of the model whose name looks personal is what it looks like until `pii` says
otherwise (`c360 model check` warns of it).
"""

import re
from collections.abc import Iterator
from functools import cache

from functions.model.declaration import DataClass, Model
from functions.model.reading import load_model

UNCLASSIFIED: DataClass = "free_text"
MASK = "***"

_SHOWN: frozenset[DataClass] = frozenset({"identifier", "none"})
_STRICTNESS: tuple[DataClass, ...] = (
    "free_text", "email", "phone", "name", "address", "birth_date", "session", "identifier", "none",
)  # fmt: skip

_LOOKS: tuple[tuple[str, DataClass], ...] = (
    (r"e_?mail", "email"),
    (r"phone|mobile|cell|telephone|tel|fax|whatsapp", "phone"),
    (r"(first|last|full|given|family|middle|sur|maiden|nick|user|display|contact|recipient|buyer)_?name|name", "name"),
    (r"street|address|addr|zip|zip_?code|post_?code|postal_?code|house_?number|latitude|longitude", "address"),
    (r"birth_?(date|day)?|date_of_birth|dob|born", "birth_date"),
    (r"ssn|iban|passport|tax_?id|national_?id|id_?number|card_?number|account_?number|vat_?id", "free_text"),
    (r"comments?|notes?|remarks?|messages?|feedback|free_?text", "free_text"),
    (r"session(_?id)?|cookie(_?id)?|device_?id|user_?agent|ip|ip_?address", "session"),
)
_NAMED = [(re.compile(rf"(.*_)?({pattern})(_\d+)?"), kind) for pattern, kind in _LOOKS]
_NOT_OF_PERSONS = re.compile(r"(product|item|category|brand|store|shop|file|event|column|table|segment|campaign)_name")


def looks_like(column: str) -> DataClass | None:
    """The class that the name of a column suggests, if any."""
    if _NOT_OF_PERSONS.fullmatch(column):
        return None
    return next((kind for pattern, kind in _NAMED if pattern.fullmatch(column)), None)


class Classification:
    """The answers for one model."""

    def __init__(self, model: Model) -> None:
        self._columns: dict[str, dict[str, DataClass]] = {
            source: {name: column.pii or looks_like(name) or "none" for name, column in declared.columns.items()}
            for source, declared in model.sources.items()
        }
        self._fields: dict[str, DataClass] = dict(model.views)
        for columns in self._columns.values():
            for name, kind in columns.items():
                self._fields[name] = min(self._fields.get(name, kind), kind, key=_STRICTNESS.index)

    def of_column(self, source: str, column: str) -> DataClass:
        """The class of a column of a source's files; UNCLASSIFIED of one that the model does not know."""
        return self._columns[source].get(column, UNCLASSIFIED)

    def of_field(self, name: str, *, is_text: bool = True) -> DataClass:
        """The class of a column of a view: the strictest of those of this name, or what the model's `views` say.

        Of none that is declared: UNCLASSIFIED if it is text, else "none".
        """
        return self._fields.get(name, UNCLASSIFIED if is_text else "none")

    def hides(self, name: str, *, is_text: bool = True) -> bool:
        """Whether a column of a view is hidden from who may not see persons."""
        return self.of_field(name, is_text=is_text) not in _SHOWN

    def columns(self) -> Iterator[tuple[str, str, DataClass]]:
        """Source, column and class of all that the model declares."""
        for source, columns in self._columns.items():
            for name, kind in columns.items():
                yield source, name, kind

    def masked_row(self, source: str, row: dict[str, str | None]) -> dict[str, str | None]:
        """A row of a file with its personal values hidden."""
        return {
            name: MASK if value is not None and self.of_column(source, name) not in _SHOWN else value
            for name, value in row.items()
        }


@cache
def classification() -> Classification:
    """The answers for the project's own model."""
    return Classification(load_model())


def undeclared(model: Model) -> Iterator[tuple[str, str, DataClass]]:
    """Source, column and suspected class of what looks personal and is not declared."""
    for source, declared in model.sources.items():
        for name, column in declared.columns.items():
            kind = looks_like(name)
            if column.pii is None and kind is not None:
                yield source, name, kind

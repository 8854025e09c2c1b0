"""How the files of a source write what they say: delimiter, numbers, dates, encoding and empty values."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from functions.model.entry import Entry

type Encoding = Literal["utf-8", "cp1252", "latin-1", "utf-16"]
type Delimiter = Literal[",", ";", "\t", "|", "^", "~"]

DATE_PARTS = {"YYYY": "[0-9]{4}", "MM": "[0-9]{1,2}", "DD": "[0-9]{1,2}"}
ISO_DATE = "YYYY-MM-DD"


def _date_format(text: str) -> str:
    rest = text
    for part in DATE_PARTS:
        if text.count(part) != 1:
            raise ValueError("a date format has YYYY, MM and DD once each, as in DD.MM.YYYY or MM/DD/YYYY")
        rest = rest.replace(part, "")
    if len(rest) not in (0, 2) or not set(rest) <= set("./- ") or (len(rest) == 2 and text[0] in rest + " "):
        raise ValueError("between the parts of a date format stands one of . / - or a space, or nothing at all")
    return text


type DateFormat = Annotated[str, AfterValidator(_date_format)]


def _quoted(given: object) -> object:
    if given is None:
        raise ValueError('YAML reads this as nothing: write it in quotes, as "NULL"')
    return given


type NullValue = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[^\r\n\x00]+$"),
    BeforeValidator(_quoted),
]


class Dialect(Entry):
    """What a source's files declare of their form; the defaults are plain CSV.

    `decimal`: with a comma, points, spaces or narrow spaces may group the digits before it by three. `date_format`: of
    dates, and of the day that an instant begins with. `null_values`: unquoted or quoted, they are empty, as no text is.
    """

    delimiter: Delimiter = ","
    decimal: Literal[".", ","] = "."
    encoding: Encoding = "utf-8"
    date_format: DateFormat = ISO_DATE
    null_values: tuple[NullValue, ...] = ()

    @property
    def has_plain_cells(self) -> bool:
        """Whether each cell, once split and decoded, is what it says."""
        return self.decimal == "." and self.date_format == ISO_DATE and not self.null_values


PLAIN = Dialect()

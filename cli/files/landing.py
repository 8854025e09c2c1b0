"""Which landing key a file gets; functions/common/landing.py says what a key is."""

import csv
import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import FileProblemError, UsageError
from functions.common.landing import KEY_FORM, SUFFIXES, landing_key, parse_key

if TYPE_CHECKING:
    from functions.model.declaration import Source

_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True)
class Placed:
    """A file, the source of the model that it is of, and the key it goes to."""

    file: Path
    source: str
    key: str


def place(
    files: Sequence[Path],
    *,
    source: str | None = None,
    day: date | None = None,
    dated: bool = True,
    snapshot: bool = False,
    key: str | None = None,
) -> list[Placed]:
    """Give each file its key; a folder stands for the CSV files in it. Nothing is uploaded.

    `day` is today (UTC) by default and left out with `dated` false; `key` overrides all rules for a single file.
    Raises FileProblemError for a file that is not there or not a CSV, UsageError for a source that the model lacks or
    that neither name nor header shows, when two files would get one key, or when `key` is not a landing key.
    """
    if source is not None and source not in _sources():
        raise UsageError(f"--source {source}: the model has {', '.join(_sources())}")
    csv_files = [each for file in files for each in _files(file)]
    if key is not None:
        return [_placed_as(csv_files, key, source)]
    effective_day = (day or datetime.now(UTC).date()) if dated else None
    placed = []
    for file in csv_files:
        if not file.name.endswith(SUFFIXES):
            raise FileProblemError(
                f"{file}: the load reads .csv and .csv.gz only; rename it, or give the key with --as", file=str(file)
            )
        of = source or source_of(file)
        placed.append(Placed(file, of, landing_key(of, file.name, day=effective_day, is_snapshot=snapshot)))
    keys: dict[str, Path] = {}
    for each in placed:
        if each.key in keys:
            raise UsageError(f"{keys[each.key]} and {each.file} would both become {each.key}: drop them one by one")
        keys[each.key] = each.file
    return placed


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inside = sorted(each for each in path.iterdir() if each.name.endswith(SUFFIXES))
        if not inside:
            raise FileProblemError(f"{path} holds no .csv or .csv.gz file", file=str(path))
        return inside
    if not path.is_file():
        raise FileProblemError(f"there is no file {path}", file=str(path))
    return [path]


def _placed_as(files: Sequence[Path], key: str, source: str | None) -> Placed:
    if len(files) != 1:
        raise UsageError(f"--as names one object, but there are {len(files)} files")
    parsed = parse_key(key, datetime.now(UTC))
    if parsed is None or parsed[0] not in _sources():
        raise UsageError(
            f"--as {key}: the load reads {KEY_FORM} with a date of the calendar; sources are {', '.join(_sources())}"
        )
    if source and source != parsed[0]:
        raise UsageError(f"--as {key} is for {parsed[0]}, but --source is {source}")
    return Placed(files[0], parsed[0], key)


def source_of(file: Path) -> str:
    """The source of the model that `file` is of, by its name, else by its header.

    Raises UsageError when neither shows it, or when they contradict each other.
    """
    named = {source for source in _sources() if source.removesuffix("s") in file.name.lower()}
    by_name = named.pop() if len(named) == 1 else None
    by_header = _source_of_header(file)
    if by_name and by_header and by_name != by_header:
        raise UsageError(f"{file} is named like {by_name} and has the header of {by_header}: say which with --source")
    source = by_name or by_header
    if source is None:
        raise UsageError(
            f"neither the name nor the header of {file} says which source it is of: "
            f"add --source, one of {', '.join(_sources())}"
        )
    return source


def _sources() -> "dict[str, Source]":
    from functions.model.reading import load_model  # reading the model takes longer than most commands

    return load_model().sources


def _source_of_header(file: Path) -> str | None:
    """The source that declares the most of the header's columns; of several, one whose required columns are there."""
    try:
        with gzip.open(file) if file.name.endswith(".gz") else file.open("rb") as stream:
            start = stream.read(_HEADER_BYTES)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return None
    except OSError as error:
        raise FileProblemError(f"cannot read {file}: {error.strerror}", file=str(file)) from error
    fits = {}
    for name, source in _sources().items():
        encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
        first = start.decode(encoding, errors="replace").splitlines()[:1]
        columns = {column.strip() for column in next(csv.reader(first, delimiter=source.delimiter), [])}
        fits[name] = (len(columns & source.columns.keys()), columns.issuperset(source.required))
    best = max(fits.values())
    best_fits = [name for name, fit in fits.items() if fit == best]
    return best_fits[0] if best[0] and len(best_fits) == 1 else None

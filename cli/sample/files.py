"""Writing a sample: three CSV files and a manifest that says what they are and that they are ours.

A file appears under its name only when it is complete. A file that the manifest does not vouch for, byte for byte, is
somebody else's and is not overwritten unless the caller says so.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BufferedWriter
from pathlib import Path
from typing import IO, cast

from cli.errors import FileProblemError
from cli.sample import rows
from cli.sample.rows import Block
from cli.sample.shape import SampleShape

GENERATOR_VERSION = 1
"""Raised whenever the same shape gives other bytes than before."""
MANIFEST = "manifest.json"

type Progress = Callable[[str, int, int], None]
"""Called with a file's name, the rows written so far, and the rows it will have."""


@dataclass(frozen=True)
class GeneratedFile:
    """One written file: its size on disk and the SHA-256 of exactly those bytes."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Sample:
    """A sample on disk. `revenue_cents` is the sum of total_amount over transactions.csv."""

    folder: Path
    shape: dict[str, object]
    files: tuple[GeneratedFile, ...]
    revenue_cents: int

    @property
    def paths(self) -> list[Path]:
        return [self.folder / file.name for file in self.files]

    @property
    def revenue(self) -> str:
        return rows.money(self.revenue_cents)

    def as_json(self) -> dict[str, object]:
        return {
            "generator_version": GENERATOR_VERSION,
            "shape": self.shape,
            "files": [asdict(file) for file in self.files],
            "revenue": self.revenue,
        }

    def is_intact(self) -> bool:
        """Whether every file is there with the bytes it was written with."""
        return all(_is_ours(self.folder / file.name, file) for file in self.files)


def read_manifest(folder: Path) -> Sample | None:
    """The sample that `folder` says it holds, or None when there is no manifest of this generator version."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        if manifest["generator_version"] != GENERATOR_VERSION:
            return None
        return Sample(
            folder,
            manifest["shape"],
            tuple(GeneratedFile(**file) for file in manifest["files"]),
            int(manifest["revenue"].replace(".", "")),
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        return None


def generate(shape: SampleShape, folder: Path, *, force: bool = False, progress: Progress | None = None) -> Sample:
    """Write customers.csv, products.csv and transactions.csv (`.gz` if asked) for `shape` into `folder`.

    The bytes depend on `shape` alone (with gzip, also on the zlib in use); memory does not grow with it.
    Raises FileProblemError when a file of that name is not one of ours, unless `force`, or cannot be written.
    """
    suffix = ".csv.gz" if shape.gzip else ".csv"
    sources: tuple[tuple[str, str, int, Iterator[Block]], ...] = (
        ("customers", rows.CUSTOMER_COLUMNS, shape.customers, rows.customers(shape)),
        ("products", rows.PRODUCT_COLUMNS, shape.products, rows.products(shape)),
        ("transactions", rows.TRANSACTION_COLUMNS, shape.transactions, rows.transactions(shape)),
    )
    if not force:
        _refuse_foreign(folder, [name + suffix for name, *_ in sources])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files, revenue = [], 0
        for name, header, expected, blocks in sources:
            file, cents = _write(folder / (name + suffix), header, blocks, expected, progress)
            files.append(file)
            revenue += cents
        sample = Sample(folder, shape.as_json(), tuple(files), revenue)
        with _appearing_whole(folder / MANIFEST) as stream:
            stream.write((json.dumps(sample.as_json(), indent=2) + "\n").encode())
    except OSError as error:
        raise FileProblemError(f"cannot write the sample to {folder}: {error.strerror or error}") from error
    return sample


def _refuse_foreign(folder: Path, names: list[str]) -> None:
    known = read_manifest(folder)
    ours = {file.name: file for file in known.files} if known else {}
    if (folder / MANIFEST).exists() and known is None:
        names = [*names, MANIFEST]
    for name in names:
        path = folder / name
        if path.exists() and not (name in ours and _is_ours(path, ours[name])):
            raise FileProblemError(
                f"{path} exists and is not an unchanged file of this command: choose another --out, or add --force",
                file=str(path),
            )


def _is_ours(path: Path, file: GeneratedFile) -> bool:
    try:
        if path.stat().st_size != file.bytes:
            return False
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def _write(
    path: Path, header: str, blocks: Iterable[Block], expected: int, progress: Progress | None
) -> tuple[GeneratedFile, int]:
    written = cents = 0
    with _appearing_whole(path) as stream:
        hashed = _Hashed(stream)
        target = _gzipped(hashed) if path.suffix == ".gz" else cast(IO[bytes], hashed)
        target.write(f"{header}\n".encode())
        for block in blocks:
            target.write(block.text.encode())
            written += block.rows
            cents += block.cents
            if progress:
                progress(path.name, written, expected)
        if path.suffix == ".gz":
            target.close()
    return GeneratedFile(path.name, written, hashed.size, hashed.sha256.hexdigest()), cents


class _Hashed:
    """Passes bytes on, and counts and hashes (SHA-256) them."""

    def __init__(self, stream: BufferedWriter) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.size += len(data)
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()


def _gzipped(stream: _Hashed) -> IO[bytes]:
    """A gzip stream without file name and time in its header, so that equal content gives equal bytes."""
    return cast(
        IO[bytes],
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=cast(IO[bytes], stream), mtime=0),
    )


@contextmanager
def _appearing_whole(path: Path) -> Iterator[BufferedWriter]:
    """A new file that gets its name when the block ends, and leaves nothing behind when the block fails."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("wb") as stream:
            yield stream
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

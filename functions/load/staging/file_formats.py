"""What a file is that is no CSV in the encoding of its source, by its first bytes."""

from functions.common.errors import FileRejectedError
from functions.model.dialect import Encoding

UTF_8_MARK = b"\xef\xbb\xbf"

_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_OTHER_FORMATS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: unpack it, or save it as CSV",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\x1f\x8b": "gzip: give it a name that ends in .csv.gz",
    b"BZh": "bzip2: unpack it, or use gzip",
    b"\xfd7zXZ\x00": "xz: unpack it, or use gzip",
    b"\x28\xb5\x2f\xfd": "zstd: unpack it, or use gzip",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save it as CSV",
    b"PAR1": "Parquet: the landing zone takes CSV",
    b"%PDF": "PDF: the landing zone takes CSV",
}


def refuse_other_formats(start: bytes, encoding: Encoding) -> None:
    """Raise FileRejectedError when a file begins like one of another format or encoding. `start`: 64 bytes or more."""
    for magic, meaning in _OTHER_FORMATS.items():
        if start.startswith(magic):
            raise FileRejectedError(f"this is no CSV file but {meaning}")
    if encoding == "utf-16":
        if start and b"\0" not in start and not start.startswith(_UTF_16_MARKS):
            raise FileRejectedError("the file does not look like UTF-16: take `encoding` away from its source")
        return
    if start.startswith(_UTF_16_MARKS):
        raise FileRejectedError(
            "the file looks like UTF-16 text: declare `encoding: utf-16` for its source, or save it as UTF-8"
        )
    if encoding != "utf-8" and start.startswith(UTF_8_MARK):
        raise FileRejectedError(
            f"the file looks like UTF-8 and not like {encoding}: take `encoding` away from its source, or save it so"
        )

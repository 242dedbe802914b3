"""Read catalogues of any format from files, bytes or streams."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stmgpu.catalog.assemble import Records, assemble
from stmgpu.catalog.ccsds import omm, omm_tables
from stmgpu.catalog.ccsds.field_names import TLE_LINES
from stmgpu.catalog.tle import reading as tle
from stmgpu.compression import MAX_RATIO, Limits
from stmgpu.errors import CatalogError, InputError
from stmgpu.files import MAX_BYTES, Source, read_content
from stmgpu.messages.kinds import kind_of

if TYPE_CHECKING:
    from stmgpu.catalog.catalog import Catalog

FORMATS = ("tle", "3le", "csv", "json", "kvn", "xml")
_HEAD = 1 << 16
_KVN_LINE = re.compile(rb"^[ \t]*[A-Z][A-Z0-9_]*[ \t]*=", re.MULTILINE)
_MEAN_ELEMENTS = re.compile(rb"CCSDS_OMM_VERS|<(?:\w+:)?omm\b|MEAN_ANOMALY")
_TLE_LINE = re.compile(rb"^[ \t]*[12] [ 0-9A-Z][ 0-9]{4}", re.MULTILINE)


def read_catalog(
    source: Source,
    *,
    format: str | None = None,
    lenient: bool = False,
    max_bytes: int = MAX_BYTES,
    max_ratio: float = MAX_RATIO,
) -> Catalog:
    """Read a catalogue of TLE, 3LE, or OMM in CSV, JSON, XML or KVN, plain or packed by gzip, bzip2, xz or zip.

    Parameters
    ----------
    source : path, bytes or file-like
        A file's path, its content, or an object with `read()`. ``archive.zip/name`` is a file of a zip archive.
    format : {'tle', '3le', 'csv', 'json', 'xml', 'kvn'}, optional
        The format; detected from the content if not given.
    lenient : bool
        Whether harmless breaches of a format are mended, each with a note (docs/guide/catalogues.md lists them).
    max_bytes : int
        Largest size, before and after unpacking [bytes].
    max_ratio : float
        Largest ratio of unpacked to packed size; up to 1 MiB may be unpacked whatever the ratio.

    Returns
    -------
    Catalog
        The valid objects in the order read. Every other record is in `rejected` with its place and the reason, up to
        1,000 of them; what was read with a doubt is in `notes`. Of several sets of one object the newest is used, until
        `Catalog.with_sets` or a window chooses another.

    Raises
    ------
    InputError
        If the format is unknown.
    CatalogError
        If the source cannot be read, is too large or damaged, its format is not recognised, or more than half of its
        records are rejected. Reading ends after 10,000 rejections if these are more than half so far.

    Examples
    --------
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> from stmgpu.catalog.writer import format_catalog
    >>> len(read_catalog(format_catalog(synthetic_catalog(10), "csv")))
    10
    """
    if format is not None and format not in FORMATS:
        raise InputError(f"catalogue format {format!r} is unknown; allowed: {', '.join(FORMATS)}, or None to detect it")
    try:
        content = read_content(source, kind="catalogue", limits=Limits(max_bytes, max_ratio, raisable=True))
    except InputError as error:
        raise CatalogError(str(error)) from None
    try:
        _check_kind(content.data)
        records = _read(content.data, format or detect_format(content.data), lenient=lenient)
        return assemble(records, source=content.name, sha256=content.sha256)
    except InputError as error:
        prefix = "" if repr(content.name) in str(error) else f"catalogue {content.name!r}: "
        raise CatalogError(f"{prefix}{error}") from None


def _check_kind(data: bytes) -> None:
    """Refuse a file that shows what else it is, and holds no mean elements besides."""
    kind = kind_of(data)
    if kind is not None and kind.key != "OMM" and not _MEAN_ELEMENTS.search(data):
        raise CatalogError(str(kind))


def _read(data: bytes, format: str, *, lenient: bool) -> Records:
    if format in ("tle", "3le"):
        return tle.read_tle(data, lenient=lenient)
    if format == "json":
        table = omm_tables.read_json(data)
    else:
        readers = {"csv": omm_tables.read_csv, "kvn": omm_tables.read_kvn, "xml": omm_tables.read_xml}
        table = readers[format](data, lenient=lenient)
    return _sets_in(table, lenient=lenient) if table.holds_lines else omm.convert(table, lenient=lenient)


def _sets_in(table: omm_tables.FieldTable, *, lenient: bool) -> Records:
    """Records of two-line sets that stand in fields."""
    columns = [
        [(text or "").strip().encode("utf-8", "surrogateescape") for text in table.get(keyword)]
        for keyword in ("TLE_LINE0", "OBJECT_NAME", *TLE_LINES)
    ]
    sets = [
        tle.ElementLines(one, two, line_0 or name, position, position)
        for line_0, name, one, two, position in zip(*columns, table.positions, strict=True)
    ]
    return tle.read_sets(sets, table.strays, table.notes, lenient=lenient)


def detect_format(data: bytes) -> str:
    """Detect the format of a catalogue from its first 64 KiB.

    Parameters
    ----------
    data : bytes
        Content of a file.

    Returns
    -------
    str
        'tle' (for 3LE as well), 'csv', 'json', 'xml' or 'kvn'.

    Raises
    ------
    CatalogError
        If the format is not recognised.

    Examples
    --------
    >>> detect_format(b"CCSDS_OMM_VERS = 3.0")
    'kvn'
    """
    head = data[:_HEAD].lstrip()
    if not head:
        raise CatalogError("it is empty; give a file with at least one element set")
    if head[:1] == b"<":
        return "xml"
    if head[:1] in (b"{", b"["):
        return "json"
    if _TLE_LINE.match(head):
        return "tle"
    if omm_tables.delimiter_of(head):
        return "csv"
    if _TLE_LINE.search(head):
        return "tle"
    if _KVN_LINE.search(head):
        return "kvn"
    start = head[:30].decode("ascii", "replace")
    raise CatalogError(
        f"its format is not recognised (it starts {start!r}); allowed: TLE, 3LE, or OMM in CSV, JSON, XML or KVN"
    )

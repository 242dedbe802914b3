"""Satellite catalogues (SATCAT): type, status, owner and decay date of objects, without elements.

Layouts: CelesTrak's CSV and JSON (celestrak.org/satcat/satcat-format.php), and the class `satcat` of Space-Track as CSV
or JSON.
"""

from __future__ import annotations

import csv
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.catalog.assemble import Strays
from stmgpu.catalog.ccsds.omm_tables import DELIMITERS, bounded_lines
from stmgpu.catalog.limits import MAX_NORAD_ID
from stmgpu.catalog.object_data import DATE, TYPE_NAMES, decay_days, is_date, status_name
from stmgpu.catalog.rejection import Rejection
from stmgpu.compression import MAX_RATIO, Limits
from stmgpu.csv_cells import unprotected
from stmgpu.errors import CatalogError, InputError, counted
from stmgpu.files import MAX_BYTES, Source, read_content
from stmgpu.messages.json_records import flatten, read_entries
from stmgpu.messages.kinds import kind_of
from stmgpu.messages.kvn import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from stmgpu.catalog.catalog import Catalog
    from stmgpu.typing import Floats, Ints, Strings

FIELDS = {
    "norad_id": ("NORAD_CAT_ID",),
    "name": ("OBJECT_NAME", "SATNAME"),
    "object_id": ("OBJECT_ID", "INTLDES"),
    "object_type": ("OBJECT_TYPE",),
    "status": ("OPS_STATUS_CODE",),
    "owner": ("OWNER", "COUNTRY", "COUNTRY_CODE"),
    "decay_jd": ("DECAY_DATE", "DECAY"),
    "current": ("CURRENT",),
}
"""Names of the fields of each column: CelesTrak's and Space-Track's; `current` is N for Space-Track's old entries."""

DESCRIBED = ("object_type", "status", "owner", "decay_jd")
"""Columns of a catalogue that a SATCAT replaces where it has a value."""

_NAMES = {name: column for column, names in FIELDS.items() for name in names}
MAX_ENTRIES = 500_000
"""Most entries of a SATCAT; the public ones have 70,000."""

_LONGEST = 100  # of a text [characters]


@dataclass(frozen=True, eq=False)
class Satcat:
    """Descriptions of n objects as columns of shape (n,).

    Parameters
    ----------
    norad_id : int64
        Catalogue numbers, each once.
    name, object_id, object_type, status, owner : str
        As the columns of `stmgpu.Catalog`; empty where not given.
    decay_jd : float64
        Julian date of the midnight that begins the day of decay, UTC [d]; NaN where no decay is known.
    source, sha256 : str
        Source it was read from, and the digest of those bytes.
    rejected : tuple of Rejection
        Rejected entries, at most 1,000.
    rejected_count : int
        Number of all rejected entries.
    """

    norad_id: Ints
    name: Strings
    object_id: Strings
    object_type: Strings
    status: Strings
    owner: Strings
    decay_jd: Floats
    source: str = ""
    sha256: str = ""
    rejected: tuple[Rejection, ...] = ()
    rejected_count: int = 0

    def __len__(self) -> int:
        return len(self.norad_id)

    def __repr__(self) -> str:
        return f"<Satcat: {counted(len(self), 'object')}, {self.rejected_count} rejected, source {self.source!r}>"

    def describe(self, catalog: Catalog) -> Catalog:
        """The catalogue with what is known of its objects; see `Catalog.with_satcat`."""
        described, known = self._filled(catalog)
        if catalog.all_sets is not None:
            described = dataclasses.replace(described, all_sets=self._filled(catalog.all_sets)[0])
        notes = [f"type, status, owner and decay of {known:,} of {len(catalog):,} objects are from {self.source!r}"]
        later = int((described.epoch_jd > described.decay_jd + 1.0).sum())
        if later:
            notes.append(f"{counted(later, 'object', ',', verb='have')} elements newer than the decay date")
        return dataclasses.replace(described, notes=(*catalog.notes, *notes))

    def _filled(self, catalog: Catalog) -> tuple[Catalog, int]:
        order = np.argsort(self.norad_id)
        place = np.minimum(np.searchsorted(self.norad_id[order], catalog.norad_id), max(len(order) - 1, 0))
        if len(order) == 0:
            return catalog, 0
        place = order[place]
        known = self.norad_id[place] == catalog.norad_id
        columns: dict[str, Any] = {}
        for name in (*DESCRIBED, "name", "object_id"):
            old, new = getattr(catalog, name), getattr(self, name)[place]
            if name == "decay_jd":
                given = known & ~np.isnan(new)
            else:
                given = known & (new != "") & ((old == "") | (name in DESCRIBED))
            columns[name] = np.where(given, new, old)
        return dataclasses.replace(catalog, **columns), int(known.sum())


def read_satcat(source: Source, *, max_bytes: int = MAX_BYTES, max_ratio: float = MAX_RATIO) -> Satcat:
    """Read a SATCAT in CSV or JSON, plain or packed by gzip, bzip2, xz or zip.

    Parameters
    ----------
    source : path, bytes or file-like
        A file's path, its content, or an object with `read()`.
    max_bytes : int
        Largest size, before and after unpacking [bytes].
    max_ratio : float
        Largest ratio of unpacked to packed size.

    Returns
    -------
    Satcat
        The valid entries in the order read; of several with one id the first. Entries that Space-Track marks as not
        current are left out. Every other one is in `rejected`.

    Raises
    ------
    CatalogError
        If the source cannot be read, is no SATCAT, or more than half of its entries are rejected.

    Examples
    --------
    >>> satcat = read_satcat(b"NORAD_CAT_ID,OBJECT_TYPE,OWNER,DECAY_DATE\\n7,R/B,US,2024-07-05\\n")
    >>> satcat.object_type.tolist(), satcat.decay_jd.tolist()
    (['ROCKET BODY'], [2460496.5])
    """
    try:
        content = read_content(source, kind="SATCAT", limits=Limits(max_bytes, max_ratio, raisable=True))
    except InputError as error:
        raise CatalogError(str(error)) from None
    try:
        kind = kind_of(content.data)
        if kind is not None and kind.key not in ("SATCAT", "OMM"):  # tables of element sets hold the same fields
            raise CatalogError(f"it is {kind.name}; give a SATCAT in CSV or JSON")
        is_json = content.data.lstrip()[:1] in (b"{", b"[")
        strays = Strays("record" if is_json else "line")
        entries = _json_entries(content.data) if is_json else _csv_entries(content.data, strays)
        return _assemble(entries, strays, content.name, content.sha256)
    except InputError as error:
        prefix = "" if repr(content.name) in str(error) else f"SATCAT {content.name!r}: "
        raise CatalogError(f"{prefix}{error}") from None


def _csv_entries(data: bytes, strays: Strays) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and fields of each entry, by column of `Satcat`."""
    first = next((line for line in bounded_lines(data) if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(bounded_lines(data), delimiter=delimiter)
    header: dict[str, int] = {}
    width = good = 0
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            strays.add(line, "", f"row cannot be read as CSV: {error}", good=good)
            continue
        if not any(row):
            continue
        if not header:
            header, width = _header(row), len(row)
        elif len(row) != width:
            strays.add(line, "", f"row has {counted(len(row), 'field')}, allowed are the header's {width}", good=good)
        else:
            good += 1
            yield line, {column: unprotected(row[k]) for column, k in header.items()}


def _header(row: list[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for k, name in enumerate(row):
        column = _NAMES.get(name.strip().upper())
        if column is not None:
            columns.setdefault(column, k)
    _check_fields(columns, "CSV header")
    return columns


def _check_fields(columns: Iterable[str], what: str) -> None:
    if "norad_id" not in columns or not set(DESCRIBED) & set(columns):
        raise CatalogError(
            f"its {what} is not that of a SATCAT, which has NORAD_CAT_ID and some of OBJECT_TYPE, OPS_STATUS_CODE, "
            "OWNER (or COUNTRY) and DECAY_DATE (or DECAY)"
        )


def _json_entries(data: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    for position, value in read_entries(decode(data)):
        fields: dict[str, str] = {}
        if isinstance(value, dict):
            for name, inner in flatten(value).items():
                column = _NAMES.get(name.upper())
                if column is not None and isinstance(inner, str):
                    fields.setdefault(column, inner)
                elif column is not None and inner is None:
                    fields.setdefault(column, "")
            if position == 1:
                _check_fields(fields, "first entry")
        yield position, fields


def _assemble(entries: Iterable[tuple[int, dict[str, str]]], strays: Strays, source: str, sha256: str) -> Satcat:
    rows: list[tuple[str, ...]] = []
    ids: dict[int, int] = {}
    for position, fields in entries:
        norad_id, problem = _checked(fields)
        if problem:
            strays.add(position, fields.get("norad_id", "")[:20], problem, good=len(rows))
        elif fields.get("current", "").strip().upper() == "N":
            continue
        elif norad_id in ids:
            reason = f"object occurs again; its first entry, {strays.noun} {ids[norad_id]}, is used"
            strays.add(position, str(norad_id), reason, good=len(rows))
        elif len(rows) == MAX_ENTRIES:
            raise CatalogError(
                f"{strays.noun} {position} is beyond its {MAX_ENTRIES:,} entries, which is the most allowed"
            )
        else:
            ids[norad_id] = position
            rows.append(_row(fields))
    if not rows or strays.count > len(rows):
        first = "; ".join(f"{strays.noun} {where}: {why}" for where, _, why in strays.kept[:3])
        raise CatalogError(
            f"only {len(rows)} of {len(rows) + strays.count} entries are valid, and at least half must be"
            + (f". First reasons: {first}" if first else "; give a SATCAT with at least one entry")
        )
    name, object_id, object_type, status, owner, decay = (
        np.array(column, np.str_) for column in zip(*rows, strict=True)
    )
    return Satcat(
        np.array(list(ids), np.int64),
        name,
        object_id,
        object_type,
        status,
        owner,
        decay_days(decay.tolist())[0],
        source=source,
        sha256=sha256,
        rejected=tuple(Rejection(f"{strays.noun} {where}", who, why) for where, who, why in strays.kept),
        rejected_count=strays.count,
    )


def _checked(fields: Mapping[str, str]) -> tuple[int, str]:
    """Id of an entry, and what is wrong with it."""
    text = fields.get("norad_id", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_NORAD_ID):
        return 0, f"NORAD_CAT_ID is {text[:40]!r}, allowed is 1 to {MAX_NORAD_ID}"
    kind = fields.get("object_type", "").strip().upper()
    if kind not in TYPE_NAMES:
        return 0, f"OBJECT_TYPE is {kind[:40]!r}, allowed is one of {', '.join(TYPE_NAMES)}"
    for column in ("name", "object_id", "owner"):
        value = fields.get(column, "")
        if len(value) > _LONGEST or not value.strip().isprintable():
            return (
                0,
                f"{FIELDS[column][0]} is {value[:40]!r}, allowed is printable text of at most {_LONGEST} characters",
            )
    decay = fields.get("decay_jd", "")
    if decay.strip() and not is_date(decay):
        return 0, f"DECAY_DATE is {decay[:40]!r}, allowed is {DATE}"
    return int(text), ""


def _row(fields: Mapping[str, str]) -> tuple[str, ...]:
    name, object_id, kind, status, owner, decay = (
        fields.get(column, "").strip() for column in ("name", "object_id", "object_type", "status", "owner", "decay_jd")
    )
    return name, object_id, TYPE_NAMES[kind.upper()], status_name(status), owner, decay

"""Build a `Catalog` from parsed records: reject wrong ones, use the newest of each object, refuse a bad source."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.columns import COLUMNS
from stmgpu.catalog.element_sets import best_of_each
from stmgpu.catalog.limits import Fault, element_faults
from stmgpu.catalog.rejection import Rejection
from stmgpu.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stmgpu.typing import Bools, Ints

_SHOWN_REASONS = 5


class Stray(NamedTuple):
    """A rejected part of a source that did not become a record.

    Parameters
    ----------
    position : int
        Line or record number, from 1.
    norad_id : str
        The object's id as given there, or ''.
    reason : str
        Why it was rejected.
    """

    position: int
    norad_id: str
    reason: str


@dataclass
class Records:
    """Columns of n records as read from a source, and the problems found in them so far.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (n,)
        Columns of `Catalog`; defaults are used for absent ones.
    positions : ndarray of int64, shape (n,)
        Line or record number of each record, from 1.
    noun : str
        'line' or 'record'.
    id_text : callable
        The object's id as written in record i.
    faults : list of Fault
        Fields that could not be read; a record that has one is not checked further.
    stray : list of Stray
        Rejected text that is not among the n records.
    """

    columns: dict[str, npt.NDArray[Any]]
    positions: Ints
    noun: str
    id_text: Callable[[int], str]
    faults: Sequence[Fault] = ()
    stray: list[Stray] = field(default_factory=list)


def assemble(records: Records, *, source: str, sha256: str) -> Catalog:
    """Check every record and build the catalogue of the valid ones, in the order read.

    Of several sets of one object the newest is used; all of them are kept in `Catalog.all_sets`.

    Raises
    ------
    CatalogError
        If no record is valid or more than half are rejected.
    """
    count = len(records.positions)
    reasons: dict[int, list[str]] = {}
    bad = np.zeros(count, np.bool_)
    for fault in records.faults:
        _note(fault, fault.mask, reasons)
        bad |= fault.mask
    unreadable = bad.copy()
    for fault in element_faults(records.columns):
        mask = fault.mask & ~unreadable
        _note(fault, mask, reasons)
        bad |= mask

    rejected = [Stray(int(records.positions[i]), records.id_text(i), "; ".join(texts)) for i, texts in reasons.items()]
    rejected += records.stray
    good = np.flatnonzero(~bad)
    if len(good) == 0 or len(rejected) > len(good):
        raise CatalogError(_refusal(rejected, len(good), records.noun, source))

    rejected.sort(key=lambda stray: stray.position)
    columns: dict[str, Any] = {}
    for name, description in COLUMNS.items():
        column = records.columns.get(name)
        columns[name] = np.full(len(good), description.default) if column is None else column[good]
    every = Catalog(
        **columns,
        source=source,
        sha256=sha256,
        rejected=tuple(Rejection(f"{records.noun} {where}", who, why) for where, who, why in rejected),
    )
    newest = np.sort(best_of_each(every.norad_id, every.epoch_jd, every.epoch_fr, np.zeros(len(good))))
    if len(newest) == len(good):
        return every
    ids, counts = np.unique(every.norad_id, return_counts=True)
    several = every[np.isin(every.norad_id, ids[counts > 1])]
    return replace(every[newest], all_sets=replace(several, rejected=()), sets_not_used=len(good) - len(newest))


def _note(fault: Fault, mask: Bools, reasons: dict[int, list[str]]) -> None:
    for index in np.flatnonzero(mask).tolist():
        reasons.setdefault(index, []).append(fault.describe(index))


def _refusal(rejected: list[Stray], good: int, noun: str, source: str) -> str:
    if not rejected:
        return f"catalogue {source!r} holds no object; give a file with at least one element set"
    first = "; ".join(
        str(Rejection(f"{noun} {where}", who, why)) for where, who, why in sorted(rejected)[:_SHOWN_REASONS]
    )
    verdict = "no record is valid" if good == 0 else f"only {good} of {good + len(rejected)} records are valid"
    return (
        f"catalogue {source!r} is refused: {verdict}, and at least half must be. First reasons: {first}. "
        "Check that the file is complete and of the form you meant (TLE, 3LE, or OMM in CSV, JSON, XML or KVN)"
    )

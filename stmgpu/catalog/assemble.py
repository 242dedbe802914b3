"""Build a `Catalog` from parsed records: reject wrong ones, use the newest of each object, refuse a bad source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.columns import COLUMNS
from stmgpu.catalog.element_sets import best_of_each
from stmgpu.catalog.limits import Fault, element_faults
from stmgpu.catalog.rejection import MAX_REJECTIONS, Rejection
from stmgpu.catalog.trajectories.segments import SYNTHETIC_ID
from stmgpu.errors import CatalogError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stmgpu.catalog.notes import Notes
    from stmgpu.typing import Bools, Ints

GIVE_UP_AT = 10_000
"""Rejected records after which reading ends if they are more than half."""

_SHOWN_REASONS = 5
_SHOWN_LENGTH = 600  # of all reasons shown [characters]


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


class Strays:
    """Rejected text of a source that did not become a record: the first 1,000, and the number of all.

    Parameters
    ----------
    noun : {'line', 'record'}
        What positions count.
    """

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.kept: list[Stray] = []
        self.count = 0

    def add(self, position: int, norad_id: str, reason: str, *, good: int) -> None:
        """Reject a part of the source.

        Parameters
        ----------
        position : int
            Its line or record number, from 1.
        norad_id : str
            The object's id as given there, or ''.
        reason : str
            Why it is rejected.
        good : int
            Number of records read so far.

        Raises
        ------
        CatalogError
            After 10,000 rejections that are more than half of what was read.
        """
        self.count += 1
        if len(self.kept) < MAX_REJECTIONS:
            self.kept.append(Stray(position, norad_id, printable(reason)))
        if self.count >= GIVE_UP_AT and self.count > good:
            raise CatalogError(
                f"reading ended at {self.noun} {position}: {self.count} of {self.count + good} records are rejected. "
                + _advice(self.kept, self.noun)
            )


@dataclass
class Records:
    """Columns of n records as read from a source, and the problems found in them so far.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (n,)
        Columns of `Catalog`; defaults are used for absent ones.
    positions : ndarray of int64, shape (n,)
        Line or record number of each record, from 1.
    id_text : callable
        The object's id as written in record i.
    faults : list of Fault
        Fields that could not be read; a record that has one is not checked further.
    strays : Strays
        Rejected text that is not among the n records.
    notes : Notes
        Notes on records that are used.
    """

    columns: dict[str, npt.NDArray[Any]]
    positions: Ints
    id_text: Callable[[int], str]
    faults: Sequence[Fault]
    strays: Strays
    notes: Notes

    @property
    def noun(self) -> str:
        """What positions count: 'line' or 'record'."""
        return self.strays.noun


def assemble(records: Records, *, source: str, sha256: str) -> Catalog:
    """Check every record and build the catalogue of the valid ones, in the order read.

    Of several sets of one object the newest is used; all of them are kept in `Catalog.all_sets`.

    Raises
    ------
    CatalogError
        If no record is valid or more than half are rejected.
    """
    unreadable = np.zeros(len(records.positions), np.bool_)
    for fault in records.faults:
        unreadable |= fault.mask
    without_id = (records.columns["norad_id"] == 0) & ~unreadable
    records.columns["norad_id"] = np.where(without_id, SYNTHETIC_ID, records.columns["norad_id"])
    bad, rejected = _bad_records(records, unreadable)
    records.columns["norad_id"] = _ids(records, without_id & ~bad, ~(without_id | bad))
    good = np.flatnonzero(~bad)
    count = int(bad.sum()) + records.strays.count
    if len(good) == 0 or count > len(good):
        raise CatalogError(_refusal(rejected, count, len(good), records.noun))

    rejected.sort(key=lambda stray: stray.position)
    columns: dict[str, Any] = {}
    for name, description in COLUMNS.items():
        column = records.columns.get(name)
        columns[name] = np.full(len(good), description.default) if column is None else column[good]
    every = Catalog(
        **columns,
        source=source,
        sha256=sha256,
        rejected=tuple(Rejection(f"{records.noun} {where}", who, why) for where, who, why in rejected[:MAX_REJECTIONS]),
        notes=records.notes.texts(),
        further_rejected=max(count - MAX_REJECTIONS, 0),
    )
    newest = np.sort(best_of_each(every.norad_id, every.epoch_jd, every.epoch_fr, np.zeros(len(good))))
    if len(newest) == len(good):
        return every
    ids, counts = np.unique(every.norad_id, return_counts=True)
    several = every[np.isin(every.norad_id, ids[counts > 1])]
    return replace(
        every[newest],
        all_sets=replace(several, rejected=(), further_rejected=0, notes=()),
        sets_not_used=len(good) - len(newest),
    )


def _ids(records: Records, without_id: Bools, with_id: Bools) -> Ints:
    """Ids of all records; those with catalogue number 0 get free ones.

    Sets of one name and designator are of one object; a set without a designator is an object of its own.
    """
    ids = records.columns["norad_id"].copy()
    records.notes.add_all(
        f"catalogue number 0 is replaced by ids from {SYNTHETIC_ID} on", without_id, records.positions
    )
    following = max(int(ids[with_id].max(initial=0)) + 1, SYNTHETIC_ID)
    known: dict[tuple[str, str], int] = {}
    names = [records.columns.get(name) for name in ("object_id", "name")]
    for k in np.flatnonzero(without_id).tolist():
        designator, name = ("" if column is None else str(column[k]) for column in names)
        if designator and (designator, name) in known:
            ids[k] = known[designator, name]
            continue
        known[designator, name] = ids[k] = following
        following += 1
    return ids


def _bad_records(records: Records, unreadable: Bools) -> tuple[Bools, list[Stray]]:
    """Mask of the records that break a limit, and the first 1,000 rejections of all kinds, in order."""
    bad = unreadable.copy()
    faults = [(fault, fault.mask) for fault in records.faults]
    for fault in element_faults(records.columns):
        faults.append((fault, fault.mask & ~unreadable))
        bad |= faults[-1][1]
    rejected = records.strays.kept.copy()
    for i in np.flatnonzero(bad)[:MAX_REJECTIONS].tolist():
        reasons = (fault.describe(i) for fault, mask in faults if mask[i])
        rejected.append(Stray(int(records.positions[i]), records.id_text(i), "; ".join(reasons)))
    return bad, sorted(rejected, key=lambda stray: stray.position)


def _refusal(rejected: list[Stray], count: int, good: int, noun: str) -> str:
    if not rejected:
        return "it holds no object; give a file with at least one element set"
    verdict = "no record is valid" if good == 0 else f"only {good} of {good + count} records are valid"
    return f"it is refused: {verdict}, and at least half must be. {_advice(rejected, noun)}"


def _advice(rejected: list[Stray], noun: str) -> str:
    shown = sorted(rejected)[:_SHOWN_REASONS]
    first = "; ".join(
        printable(str(Rejection(f"{noun} {where}", who, why)), _SHOWN_LENGTH // len(shown)) for where, who, why in shown
    )
    return (
        f"First reasons: {first}. Check that the file is complete and of the form you meant (TLE, 3LE, or OMM in CSV, "
        "JSON, XML or KVN)"
    )

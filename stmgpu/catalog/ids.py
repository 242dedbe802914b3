"""Choices of objects by NORAD id: single ids and ranges, written as 25544,40000-40010."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import InputError, counted

if TYPE_CHECKING:
    import numpy.typing as npt

    from stmgpu.typing import Ints

_ITEM = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)
_SEPARATORS = re.compile(r"[,;\s]+", re.ASCII)
_COMMENT = re.compile(r"#[^\n]*")
_SHOWN = 10
_ALLOWED = "allowed are NORAD ids and ranges of them, such as 25544,40000-40010"


@dataclass(frozen=True)
class IdChoice:
    """Single ids, which must exist, and ranges, of which one object must exist.

    Parameters
    ----------
    ids : tuple of int
        Single ids.
    ranges : tuple of (int, int)
        First and last id of each range.

    Examples
    --------
    >>> IdChoice.parse("5, 20-22").among(np.array([21, 5, 7])).tolist()
    [5, 21]
    """

    ids: tuple[int, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, choice: IdChoice | str | npt.ArrayLike) -> IdChoice:
        """Choice from a text, a number, or an array of numbers; choices are returned as they are.

        Raises
        ------
        InputError
            If it is none of these, or empty.
        """
        if isinstance(choice, IdChoice):
            return choice
        if isinstance(choice, str):
            return cls.parse(choice)
        array = np.atleast_1d(np.asarray(choice))
        if array.ndim > 1 or array.size == 0 or array.dtype.kind not in "iu":
            raise InputError(f"{str(choice)[:60]!r} is no choice of objects; {_ALLOWED}")
        return cls(tuple(np.unique(array).tolist()))

    @classmethod
    def parse(cls, text: str) -> IdChoice:
        """Choice from a text: ids and ranges between commas, blanks or ends of lines; `#` begins a comment.

        Raises
        ------
        InputError
            If something else stands there, or nothing.
        """
        ids, ranges = [], []
        items = [item for item in _SEPARATORS.split(_COMMENT.sub("", text)) if item]
        for item in items:
            match = _ITEM.fullmatch(item)
            if match is None:
                raise InputError(f"{item[:40]!r} is no NORAD id; {_ALLOWED}")
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first:
                raise InputError(f"the range {item} ends before it begins; write {last}-{first}")
            if match[2]:
                ranges.append((first, last))
            else:
                ids.append(first)
        if not items:
            raise InputError(f"no NORAD id is given; {_ALLOWED}")
        return cls(tuple(ids), tuple(ranges))

    def among(self, norad_id: Ints) -> Ints:
        """Ids of the chosen objects, rising.

        Raises
        ------
        InputError
            If a single id is not among them, or no id of a range; the message names them.
        """
        single = np.unique(np.asarray(self.ids, np.int64))
        unknown = [str(k) for k in np.setdiff1d(single, norad_id).tolist()]
        found = [single]
        for first, last in self.ranges:
            inside = np.unique(norad_id[(norad_id >= first) & (norad_id <= last)])
            found.append(inside)
            if len(inside) == 0:
                unknown.append(f"{first}-{last}")
        if unknown:
            more = f" and {len(unknown) - _SHOWN:,} more" if len(unknown) > _SHOWN else ""
            verb = "is" if len(unknown) == 1 else "are"
            raise InputError(
                f"{', '.join(unknown[:_SHOWN])}{more} {verb} not among the {counted(len(norad_id), 'object', ',')}"
            )
        return np.unique(np.concatenate(found))

"""Notes on records that are used although they break a rule, or that hold text which is not used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import counted, printable

if TYPE_CHECKING:
    from stmgpu.typing import Bools, Ints

_SHOWN = 5


class Notes:
    """Notes by their text, with the places that each is about.

    Parameters
    ----------
    noun : {'line', 'record'}
        What places are.

    Examples
    --------
    >>> notes = Notes("line")
    >>> for line in (3, 9):
    ...     notes.add("no checksum", line)
    >>> notes.texts()
    ('no checksum: 2 lines (3, 9)',)
    """

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._counts: dict[str, int] = {}
        self._first: dict[str, list[int]] = {}

    def add(self, text: str, position: int) -> None:
        """Note one place."""
        first = self._first.setdefault(text, [])
        if len(first) < _SHOWN:
            first.append(position)
        self._counts[text] = self._counts.get(text, 0) + 1

    def add_all(self, text: str, mask: Bools, positions: Ints) -> None:
        """Note the records of a mask by their positions, shape (n,) each."""
        places = positions[mask]
        if len(places):
            first = self._first.setdefault(text, [])
            first.extend(np.sort(places)[: _SHOWN - len(first)].tolist())
            self._counts[text] = self._counts.get(text, 0) + len(places)

    def texts(self) -> tuple[str, ...]:
        """One line for each text: how many places, and the first five."""
        lines = []
        for text, count in self._counts.items():
            first = ", ".join(map(str, self._first[text])) + (", ..." if count > len(self._first[text]) else "")
            lines.append(printable(f"{text}: {counted(count, self._noun, ',')} ({first})"))
        return tuple(lines)
